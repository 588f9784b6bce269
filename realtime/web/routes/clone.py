"""POST /api/characters: a clip of a voice in, a character out."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.audio.decoding import AudioSource
from realtime.cloning import MOST_CLIP_SECONDS
from realtime.web.entry.hosts_and_origins import check_origin
from realtime.web.requests.fields import Fields
from realtime.web.requests.services import account_of, services_of
from realtime.web.requests.upload_form import audio_file_of, read_form, values_of
from realtime.web.routes.catalogue import describe_character

FIELDS = ("audio", "name", "text", "language")


async def clone(request: Request) -> Response:
    """Make a character of an uploaded clip, and answer with it."""
    _check_origin(request)
    account = account_of(request)
    await account.check_sound()
    form = await read_form(request)
    try:
        fields = Fields(values_of(form))
        fields.refuse_unknown(FIELDS)
        name = fields.needed_text("name")
        language = fields.text("language") or "auto"
        source = await asyncio.to_thread(AudioSource, audio_file_of(form), MOST_CLIP_SECONDS)
        character = await services_of(request).cloning.make(
            name, source, fields.text("text"), language
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
