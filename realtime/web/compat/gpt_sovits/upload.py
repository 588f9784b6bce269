"""POST /upload_voice: a clip and what is said in it become a character."""

from __future__ import annotations

import asyncio
from typing import TypedDict

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.audio.decoding import AudioSource
from realtime.characters import GptSovitsVoice
from realtime.characters.yaml_card import GENDERS
from realtime.cloning import ASKABLE, MOST_TEXT, PairNames, VoiceKind
from realtime.cloning.voice_kind import card_file
from realtime.engines.gpt_sovits.pairs import find_pairs
from realtime.errors import BadRequest, TextTooLong
from realtime.services import Services
from realtime.web.compat.gpt_sovits.chosen import ChosenVoice
from realtime.web.compat.gpt_sovits.errors import GptSovitsError
from realtime.web.compat.gpt_sovits.make_prompts import make_prompts
from realtime.web.compat.gpt_sovits.state import state_of
from realtime.web.compat.gpt_sovits.values import LooseField, Values, text_of
from realtime.web.entry.hosts_and_origins import check_page
from realtime.web.openapi.error_codes import (
    CLONING_ERRORS,
    ENGINE_ERRORS,
    FOREIGN_PAGE,
    FORM_ERRORS,
    LINE_ERRORS,
)
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
from realtime.web.requests.field_types import FileField, NeededTextField
from realtime.web.requests.services import account_of, services_of
from realtime.web.requests.upload_form import content_of

MOST_TEXT_BYTES = 4 * MOST_TEXT  # of UTF-8
MOST_FIELDS = 8

VOICE_NAME = NeededTextField("voice_name", "The name of the new character.", 1)
GENDER = LooseField("gender", f"One of {', '.join(GENDERS)}.", "unknown")
DESCRIPTION = LooseField("description", "A description for people.")
LANGUAGE = LooseField("language", f"The clip's language: {', '.join(ASKABLE)}.", "auto")
AUDIO_FILE = FileField(
    "audio_file", "A clip of one voice, 3 to 10 seconds long; for VALL-E X at most 15."
)
TEXT_FILE = LooseField(
    "text_file", "The words of the clip, or a file of them; else they are written down."
)


class UploadedVoice(TypedDict):
    """The new voice."""

    message: str
    voice_name: str
    audio_file: str
    text_file: str
    cache_loaded: bool


async def upload_voice(request: Request) -> Response:
    """Make a character of an uploaded clip."""
    services, account = services_of(request), account_of(request)
    check_page(request.scope, services.settings)
    await account.check_sound()
    async with request.form(max_files=2, max_fields=MOST_FIELDS) as form:
        values = {**request.query_params, **{n: v for n, v in form.items() if isinstance(v, str)}}
        about = _about(values)
        text = await _text(form)
        audio = form.get("audio_file")
        if not isinstance(audio, UploadFile):
            raise BadRequest("No audio was uploaded.", code="no_audio", field="audio_file")
        kind = await asyncio.to_thread(_kind, services, state_of(request).chosen)
        source = await asyncio.to_thread(AudioSource, content_of(audio), kind.most_seconds)
        name, language = text_of(values, "voice_name"), text_of(values, "language", "auto").lower()
        made = await services.cloning.make(name, source, text, language, kind, about)
    await account.charge_sound(source.seconds)
    if isinstance(made.voice, GptSovitsVoice):
        loaded = not await make_prompts(services, [made])
    else:
        loaded = True  # all that it needs is its file
    answer: UploadedVoice = {
        "message": "success",
        "voice_name": made.name,
        "audio_file": f"{made.name}.wav",
        "text_file": f"{made.name}.txt",
        "cache_loaded": loaded,
    }
    return JSONResponse(answer)


def _kind(services: Services, chosen: ChosenVoice) -> VoiceKind:
    """Return the kind of voice to make: GPT-SoVITS' where weights of it are there."""
    weights = PairNames(chosen.gpt, chosen.sovits)
    if weights or find_pairs(services.settings):
        return services.cloning.kind(GptSovitsVoice.family, weights)
    return services.cloning.kind()


def _about(values: Values) -> dict[str, str]:
    """Return what is told of the voice, as its card will have it."""
    told = {name: text_of(values, name) for name in ("gender", "description")}
    told = {name: value for name, value in told.items() if value and value != "unknown"}
    card_file(told)  # refuses a value before a clip is decoded
    return told


async def _text(form: FormData) -> str | None:
    """Return the words of the clip, from a file or a field."""
    given = form.get("text_file")
    if not isinstance(given, UploadFile):
        return given
    data = await given.read(MOST_TEXT_BYTES + 1)
    if len(data) > MOST_TEXT_BYTES:
        raise TextTooLong(
            f"The text has more than {MOST_TEXT} characters.",
            field="text_file",
            values={"length": len(data), "limit": MOST_TEXT},
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest("The text file is not UTF-8.", field="text_file") from error


ROUTES = [Route("/upload_voice", upload_voice, methods=["POST"])]
OPERATIONS = [
    Operation(
        "POST",
        "/upload_voice",
        GPT_SOVITS,
        "Make a voice of a clip",
        (
            json_answer(UploadedVoice, "The new voice."),
            AnswerSpec(400, "A refusal in the words of GPT-SoVITS.", {JSON: GptSovitsError}),
        ),
        (
            FORM_ERRORS,
            LINE_ERRORS,
            ENGINE_ERRORS,
            FOREIGN_PAGE,
            CLONING_ERRORS,
        ),
        "See docs/gpt_sovits_api.md.",
        (
            Parameter("query", VOICE_NAME, "Nana"),
            *(Parameter("query", field) for field in (GENDER, DESCRIPTION, LANGUAGE)),
        ),
        Body(
            FieldTable("UploadedVoiceClip", (AUDIO_FILE, TEXT_FILE)),
            {"audio_file": "clip.wav", "text_file": "Words of the clip."},
            FORM,
        ),
    )
]
