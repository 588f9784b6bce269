"""POST /api/characters: a clip of a voice in, a character out."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.audio.decoding import AudioSource
from realtime.cloning import ASKABLE, ENGINES, MOST_TEXT, PairNames
from realtime.services import Services
from realtime.web.entry.hosts_and_origins import check_page
from realtime.web.openapi.error_codes import (
    CLONING_ERRORS,
    ENGINE_ERRORS,
    FOREIGN_PAGE,
    FORM_ERRORS,
    LINE_ERRORS,
)
from realtime.web.openapi.operation import CHARACTERS, FORM, Body, Operation, json_answer
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FileField, NeededTextField, TextField
from realtime.web.requests.services import account_of, services_of
from realtime.web.requests.upload_form import audio_file_of, read_form, values_of
from realtime.web.routes.catalogue import CharacterDescription, describe_character


def _most_text(services: Services) -> int:
    return MOST_TEXT


AUDIO = FileField(
    "audio", "A clip of one voice, 3 to 15 seconds long; for `gpt_sovits` at most 10."
)
NAME = NeededTextField("name", "The name of the new character.", 1)
TEXT = TextField("text", "The words that are said in the clip.", most=_most_text)
LANGUAGE = TextField(
    "language", "The clip's language.", choices=ASKABLE, default="auto", may_be_empty=True
)
ENGINE = TextField("engine", "The engine that will speak it.", choices=ENGINES, default=ENGINES[0])
GPT = TextField("gpt", "With `gpt_sovits`: its GPT file inside models/gpt_sovits/.")
SOVITS = TextField("sovits", "With `gpt_sovits`: its SoVITS file inside models/gpt_sovits/.")
MODEL = TextField("model", "Both files by the name of the model; the only one if none is named.")
CLIP = FieldTable("Clip", (AUDIO, NAME, TEXT, LANGUAGE, ENGINE, GPT, SOVITS, MODEL))


async def clone(request: Request) -> Response:
    """Make a character of an uploaded clip, and answer with it."""
    check_page(request.scope, services_of(request).settings)
    account = account_of(request)
    await account.check_sound()
    form, cloning = await read_form(request, CLIP), services_of(request).cloning
    try:
        fields = CLIP.open(values_of(form, CLIP))
        name, language = NAME.read(fields), LANGUAGE.read(fields) or "auto"
        weights = PairNames(*(each.read(fields) or "" for each in (GPT, SOVITS, MODEL)))
        kind = cloning.kind(ENGINE.read(fields) or "", weights)
        source = await asyncio.to_thread(AudioSource, audio_file_of(form), kind.most_seconds)
        character = await cloning.make(name, source, TEXT.read(fields), language, kind)
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
            CLONING_ERRORS,
        ),
        "Without `text` a recogniser writes down what is said. See docs/characters.md.",
        body=Body(CLIP, {"audio": "clip.wav", "name": "Nana", "text": "Words of the clip."}, FORM),
    )
]
