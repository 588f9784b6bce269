"""GET /set_gpt_weights and its sisters: files of this server's folders for one character."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.engines.failure import engine_failures
from realtime.engines.switched_weights import Part, SwitchesWeights
from realtime.errors import BadRequest, NotFound, SynthesisFailed, TooLarge, Unavailable
from realtime.services import Services
from realtime.settings import Settings
from realtime.web.compat.gpt_sovits.errors import ContractRefusal, GptSovitsError
from realtime.web.compat.gpt_sovits.message import SUCCESS, Message
from realtime.web.compat.gpt_sovits.values import NeededLooseField
from realtime.web.entry.hosts_and_origins import check_page
from realtime.web.openapi.error_codes import ENGINE_ERRORS, FOREIGN_PAGE, codes
from realtime.web.openapi.operation import (
    FORM,
    GPT_SOVITS,
    JSON,
    AnswerSpec,
    Body,
    Operation,
    Parameter,
    json_answer,
)
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FileField
from realtime.web.requests.services import services_of

MOST_PATH = 1_000  # characters
MOST_CLIP_BYTES = 32 << 20
NOT_CONTROLLED = "This server is not restarted or stopped by a request."

WEIGHTS_PATH = NeededLooseField(
    "weights_path", "A file inside the folder of models or of characters."
)
REFER_AUDIO_PATH = NeededLooseField("refer_audio_path", WEIGHTS_PATH.about)
AUDIO_FILE = FileField("audio_file", "A clip of one voice.")
COMMAND = NeededLooseField("command", "`restart` or `exit`.")


async def set_gpt_weights(request: Request) -> Response:
    return await _set_weights(request, "gpt")


async def set_sovits_weights(request: Request) -> Response:
    return await _set_weights(request, "sovits")


async def set_refer_audio(request: Request) -> Response:
    """Take a clip as the example of the voice: a file of ours by GET, an upload by POST."""
    services = services_of(request)
    check_page(request.scope, services.settings)
    if request.method == "POST":
        await _take_upload(request, services)
    else:
        await _switch(services, "reference", request.query_params.get("refer_audio_path", ""))
    return JSONResponse(SUCCESS)


async def control(request: Request) -> Response:
    """Refuse to restart or stop the server, which anybody could ask for by a link."""
    if not request.query_params.get("command"):
        raise ContractRefusal("command is required")
    return JSONResponse({"message": NOT_CONTROLLED}, 403)


async def _set_weights(request: Request, part: Part) -> Response:
    check_page(request.scope, services_of(request).settings)
    path = request.query_params.get("weights_path", "")
    if not path:
        raise ContractRefusal(f"{part} weight path is required")
    await _switch(services_of(request), part, path)
    return JSONResponse(SUCCESS)


async def _switch(services: Services, part: Part, path: str) -> None:
    file = await asyncio.to_thread(brought_file, services.settings, path)
    await _give(services, part, file)


async def _give(services: Services, part: Part, file: Path) -> None:
    engine = _engine(services)
    with engine_failures("gpt_sovits", "speaking"):
        await asyncio.to_thread(engine.switch, part, file)


def _engine(services: Services) -> SwitchesWeights:
    for model in services.models.synthesizers():
        engine = services.models.synthesizer(model).engine
        if isinstance(engine, SwitchesWeights):
            return engine
    raise Unavailable(
        "No engine here takes weights of GPT-SoVITS.",
        hint="/tts speaks as the character that the name of the reference clip stands for.",
    )


async def _take_upload(request: Request, services: Services) -> None:
    _engine(services)  # before a large file is received for nothing
    async with request.form(max_files=1, max_fields=1) as form:
        upload = form.get("audio_file")
        if not isinstance(upload, UploadFile):
            raise BadRequest("No audio was uploaded.", code="no_audio", field="audio_file")
        data = await upload.read(MOST_CLIP_BYTES + 1)
    if len(data) > MOST_CLIP_BYTES:
        raise TooLarge(
            f"The clip is over the limit of {MOST_CLIP_BYTES} bytes.",
            values={"bytes": MOST_CLIP_BYTES},
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reference.wav"
        await asyncio.to_thread(file.write_bytes, data)
        await _give(services, "reference", file)


def brought_file(settings: Settings, path: str) -> Path:
    """Return the file that a path names inside the folders of models and of characters.

    A path elsewhere is refused by its letters alone: nobody learns whether there is such a file.
    """
    models, presets = settings.models.path, settings.presets.path
    if path and len(path) <= MOST_PATH and path.isprintable():
        written = path.replace("\\", "/")
        for start in (Path(), models, models / "gpt_sovits", presets):
            file = Path(os.path.abspath(start / written))
            for folder in (models, presets):
                if _is_inside(file, folder) and os.path.isfile(file):  # false for any fault
                    return file
    raise NotFound(
        "There is no such file inside the folders of models and of characters.",
        hint="Put it into models/gpt_sovits, and name it from there.",
    )


def _is_inside(file: Path, folder: Path) -> bool:
    """Return whether a file lies in a folder, by its letters and behind its links."""
    if not file.is_relative_to(os.path.abspath(folder)):
        return False
    # Unlike Path.resolve it reads links alone, and looks at nothing that they lead to.
    return Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder))


ROUTES = [
    Route("/set_gpt_weights", set_gpt_weights),
    Route("/set_sovits_weights", set_sovits_weights),
    Route("/set_refer_audio", set_refer_audio, methods=["GET", "POST"]),
    Route("/control", control),
]

ERRORS = (
    ENGINE_ERRORS,
    FOREIGN_PAGE,
    codes(NotFound),
    codes(SynthesisFailed),
)
ABOUT = "See docs/gpt_sovits_api.md."
TAKEN = json_answer(Message, "It is taken.", SUCCESS)
REFUSED = AnswerSpec(400, "A refusal in the words of GPT-SoVITS.", {JSON: GptSovitsError})


def _getter(path: str, summary: str, field: NeededLooseField, example: str) -> Operation:
    parameters = (Parameter("query", field, example),)
    return Operation("GET", path, GPT_SOVITS, summary, (TAKEN, REFUSED), ERRORS, ABOUT, parameters)


OPERATIONS = [
    _getter("/set_gpt_weights", "Name the text-to-semantic weights", WEIGHTS_PATH, "nana.ckpt"),
    _getter(
        "/set_sovits_weights", "Name the weights that make the sound", WEIGHTS_PATH, "nana.pth"
    ),
    _getter("/set_refer_audio", "Name the reference clip", REFER_AUDIO_PATH, "nana.wav"),
    Operation(
        "POST",
        "/set_refer_audio",
        GPT_SOVITS,
        "Upload the reference clip",
        (TAKEN, REFUSED),
        (*ERRORS, codes(BadRequest, "no_audio")),
        ABOUT,
        body=Body(FieldTable("ReferenceClip", (AUDIO_FILE,)), {"audio_file": "clip.wav"}, FORM),
    ),
    Operation(
        "GET",
        "/control",
        GPT_SOVITS,
        "Be refused: no request restarts or stops the server",
        (AnswerSpec(403, "The refusal.", {JSON: GptSovitsError}), REFUSED),
        about=ABOUT,
        parameters=(Parameter("query", COMMAND, "restart"),),
    ),
]
