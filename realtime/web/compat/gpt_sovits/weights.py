"""GET /set_gpt_weights and its sisters: weights and a clip for clips that nobody knows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.characters.bounded_file import BadVoice, read_at_most
from realtime.cloning.pair_choice import Part, listed_file
from realtime.engines.gpt_sovits.weights import ENGINE
from realtime.engines.torch_file import unusable
from realtime.errors import BadRequest, NotFound, TooLarge
from realtime.files import content_fault
from realtime.settings import Settings
from realtime.web.compat.gpt_sovits.chosen import find_clip
from realtime.web.compat.gpt_sovits.errors import ContractRefusal, GptSovitsError
from realtime.web.compat.gpt_sovits.message import SUCCESS, Message
from realtime.web.compat.gpt_sovits.state import state_of
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
    """Choose the voice of a clip: a file of ours by GET, an upload by POST."""
    services, chosen = services_of(request), state_of(request).chosen
    check_page(request.scope, services.settings)
    if request.method == "POST":
        data = await _uploaded_clip(request)
    else:
        path = request.query_params.get("refer_audio_path", "")
        data = await asyncio.to_thread(_own_clip, services.settings, path)
    found = await asyncio.to_thread(find_clip, data, services.characters.all())
    if found is None:
        raise NotFound(
            "The clip belongs to no character of GPT-SoVITS.",
            hint="POST /upload_voice makes a character of a clip.",
        )
    chosen.character, chosen.style = found
    return JSONResponse(SUCCESS)


async def control(request: Request) -> Response:
    """Refuse to restart or stop the server, which anybody could ask for by a link."""
    if not request.query_params.get("command"):
        raise ContractRefusal("command is required")
    return JSONResponse({"message": NOT_CONTROLLED}, 403)


async def _set_weights(request: Request, part: Part) -> Response:
    services = services_of(request)
    check_page(request.scope, services.settings)
    path = request.query_params.get("weights_path", "")
    if not path:
        raise ContractRefusal(f"{part} weight path is required")
    named = await asyncio.to_thread(_named_weights, services.settings, path, part)
    setattr(state_of(request).chosen, part, named)
    return JSONResponse(SUCCESS)


def _named_weights(settings: Settings, path: str, part: Part) -> str:
    """Return the path of weights inside their folder; refuse a file that cannot hold any."""
    file = brought_file(settings, path)
    folder = Path(os.path.abspath(settings.models.path / ENGINE))
    inside = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else path
    found = listed_file(inside, part, settings)
    fault = content_fault(found)
    if fault is not None:
        raise unusable(found, fault)
    return inside


def _own_clip(settings: Settings, path: str) -> bytes:
    try:
        return read_at_most(brought_file(settings, path), MOST_CLIP_BYTES)
    except (BadVoice, OSError) as error:
        raise BadRequest("The clip cannot be read, or it is too large.") from error


async def _uploaded_clip(request: Request) -> bytes:
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
    return data


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
    codes(BadRequest, "unknown_model"),
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
