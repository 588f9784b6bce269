"""POST /api/characters: a clip in, a character out; it knows no network and no file."""

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
from realtime.web.routes.catalogue import described
from realtime.web.routes.process import file_of, form_of, values_of

FIELDS = ("audio", "name", "text", "language")


async def enrol(request: Request) -> Response:
    _check_page(request)
    account = account_of(request)
    await account.check_sound()
    form = await form_of(request)
    try:
        fields = Fields(values_of(form))
        fields.only(FIELDS)
        name = fields.needed_text("name")
        language = fields.text("language") or "auto"
        source = await asyncio.to_thread(AudioSource, file_of(form), MOST_CLIP_SECONDS)
        character = await services_of(request).cloning.make(
            name, source, fields.text("text"), language
        )
    finally:
        await form.close()
    await account.charge_sound(source.seconds)
    return JSONResponse(described(character), 201)


def _check_page(request: Request) -> None:
    """Any page's form could be sent here by whoever looks at it, and what it makes stays."""
    settings = services_of(request).settings
    if "*" not in settings.cors.origins:
        check_origin(request.scope, {*settings.sockets.origins, *settings.cors.origins})


ROUTES = [Route("/api/characters", enrol, methods=["POST"])]
