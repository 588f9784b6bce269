"""POST /api/characters: a clip of a voice in, a character out."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.audio.decoding import AudioSource
from realtime.cloning import ASKABLE, MOST_CLIP_SECONDS, MOST_TEXT
from realtime.services import Services
from realtime.web.entry.hosts_and_origins import check_origin
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FileField, NeededTextField, TextField
from realtime.web.requests.services import account_of, services_of
from realtime.web.requests.upload_form import audio_file_of, read_form, values_of
from realtime.web.routes.catalogue import describe_character


def _most_text(services: Services) -> int:
    return MOST_TEXT


AUDIO = FileField("audio", "A clip of one voice, 3 to 15 seconds long.")
NAME = NeededTextField("name", "The name of the new character.")
TEXT = TextField("text", "The words that are said in the clip.", _most_text)
LANGUAGE = TextField("language", "The clip's language.", choices=ASKABLE, default="auto")
CLIP = FieldTable("Clip", (AUDIO, NAME, TEXT, LANGUAGE))


async def clone(request: Request) -> Response:
    """Make a character of an uploaded clip, and answer with it."""
    _check_origin(request)
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
    return JSONResponse(describe_character(character), 201)


def _check_origin(request: Request) -> None:
    """Refuse pages from elsewhere: a browser sends their forms here without asking, CORS or not."""
    settings = services_of(request).settings
    if "*" not in settings.cors.origins:
        check_origin(request.scope, {*settings.sockets.origins, *settings.cors.origins})


ROUTES = [Route("/api/characters", clone, methods=["POST"])]
