"""POST /api/characters: a clip of a voice in, a character out."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.audio.decoding import AudioSource
from realtime.cloning import ASKABLE, MOST_CLIP_SECONDS, MOST_TEXT
from realtime.errors import BadRequest, SynthesisFailed, Taken, YamabikoError
from realtime.services import Services
from realtime.web.entry.hosts_and_origins import check_page
from realtime.web.openapi.error_codes import (
    ENGINE_ERRORS,
    FOREIGN_PAGE,
    FORM_ERRORS,
    LINE_ERRORS,
    codes,
)
from realtime.web.openapi.operation import CHARACTERS, FORM, Body, Operation, json_answer
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FileField, NeededTextField, TextField
from realtime.web.requests.services import account_of, services_of
from realtime.web.requests.upload_form import audio_file_of, read_form, values_of
from realtime.web.routes.catalogue import CharacterDescription, describe_character


def _most_text(services: Services) -> int:
    return MOST_TEXT


AUDIO = FileField("audio", "A clip of one voice, 3 to 15 seconds long.")
NAME = NeededTextField("name", "The name of the new character.", 1)
TEXT = TextField("text", "The words that are said in the clip.", most=_most_text)
LANGUAGE = TextField("language", "The clip's language.", choices=ASKABLE, default="auto")
CLIP = FieldTable("Clip", (AUDIO, NAME, TEXT, LANGUAGE))


async def clone(request: Request) -> Response:
    """Make a character of an uploaded clip, and answer with it."""
    check_page(request.scope, services_of(request).settings)
    account = account_of(request)
    await account.check_sound()
    form = await read_form(request, CLIP)
    try:
        fields = CLIP.open(values_of(form, CLIP))
        name, language = NAME.read(fields), LANGUAGE.read(fields) or "auto"
        source = await asyncio.to_thread(AudioSource, audio_file_of(form), MOST_CLIP_SECONDS)
        character = await services_of(request).cloning.make(
            name, source, TEXT.read(fields), language
        )
    finally:
        await form.close()
    await account.charge_sound(source.seconds)
    return JSONResponse(asdict(describe_character(character)), 201)


ROUTES = [Route("/api/characters", clone, methods=["POST"])]
OPERATIONS = [
    Operation(
        "POST",
        "/api/characters",
        CHARACTERS,
        "Make a character of a clip of somebody's voice",
        (json_answer(CharacterDescription, "The new character.", status=201),),
        (
            FORM_ERRORS,
            LINE_ERRORS,
            ENGINE_ERRORS,
            FOREIGN_PAGE,
            codes(BadRequest, "audio_too_short", "no_speech", "text_required"),
            codes(BadRequest, "text_does_not_fit", "too_many_characters"),
            codes(Taken, "character_exists"),
            codes(SynthesisFailed, "conversion_failed"),
            codes(YamabikoError),
        ),
        "Without `text` a recogniser writes down what is said. See docs/valle.md.",
        body=Body(CLIP, {"audio": "clip.wav", "name": "Nana", "text": "Words of the clip."}, FORM),
    )
]
