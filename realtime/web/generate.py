"""POST /generate: the bots' contract, kept to the letter; it knows no engine and no file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.cache import WAV, Growing
from realtime.errors import BadRequest, NotFound, Unavailable
from realtime.services import Services
from realtime.speech import ASKABLE, Wish
from realtime.web.errors import bots_body
from realtime.web.fields import Fields
from realtime.web.incoming import json_body, services_of
from realtime.web.links import base_of, link


async def generate(request: Request) -> Response:
    """Answers when the recording is finished, or at once where nobody wants to wait."""
    services, base = services_of(request), base_of(request)
    fields = Fields(await json_body(request))
    waits = fields.flag("wait", default=True)
    line = await services.speech.line(_wish(fields, services))
    async with services.speech.open(line, finish=True) as opened:
        url = link(base, opened.address, WAV)
        # Made before the wait: many may wait for the same moment.
        answer = JSONResponse(bots_body(request.scope, 200, url=url))
        if waits and isinstance(opened.source, Growing):
            await _finished(opened.source)
    return answer


def _wish(fields: Fields, services: Services) -> Wish:
    """Checked in the order that bots know: language, character, text."""
    text, character, language = (
        fields.needed_text(name) for name in ("textPrompt", "character", "language")
    )
    fields.text("posttime")
    if language not in ASKABLE:
        raise BadRequest("Language not supported", code="unknown_language")
    try:
        services.characters.get(character)
    except (NotFound, BadRequest) as error:
        raise NotFound("Character not found", code="character_not_found") from error
    return Wish(
        text=text,
        character=character,
        language=language,
        noaccent=fields.flag("noaccent"),
        longprompt=fields.flag("longprompt"),
    )


async def _finished(growing: Growing) -> None:
    """Wait until it is whole and kept; what fails on the way is raised."""
    if await growing.settled():
        return
    if growing.error is not None:
        raise growing.error.copy()
    raise Unavailable("The recording could not be kept.", code="cannot_keep")


ROUTES = [Route("/generate", generate, methods=["POST"])]
