"""What there is: models, voices, characters and their pictures; it loads and speaks nothing."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from realtime.characters import Character
from realtime.errors import NotFound
from realtime.web.requests.services import services_of

BY_CHARACTER = ("yamabiko", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # the character's own engine


async def models(request: Request) -> Response:
    names = [*BY_CHARACTER, *services_of(request).models.synthesizers()]
    created = request.app.state.created
    data = [
        {"id": name, "object": "model", "created": created, "owned_by": "yamabiko"}
        for name in names
    ]
    return JSONResponse({"object": "list", "data": data})


async def voices(request: Request) -> Response:
    """Every name that `voice` takes, with the name of who speaks then."""
    known = await _characters(request)
    named = [{"id": each.name, "name": each.display_name} for each in known]
    also = [{"id": alias, "name": each.display_name} for each in known for alias in each.aliases]
    return JSONResponse({"voices": named + also})


async def characters(request: Request) -> Response:
    return JSONResponse({"characters": [described(each) for each in await _characters(request)]})


async def picture(request: Request) -> Response:
    name = request.path_params["name"]
    character = await asyncio.to_thread(services_of(request).characters.get, name)
    if character.picture is None:
        raise NotFound(f"{character.name!r} has no picture.", code="picture_not_found")
    return FileResponse(character.picture, headers={"Cache-Control": "no-cache"})


def described(character: Character) -> dict[str, Any]:
    """A character as a client may know it; a picture is an address."""
    return {
        "name": character.name,
        "display_name": character.display_name,
        "engine": character.engine,
        "language": character.language,
        "languages": list(character.languages),
        "gender": character.gender,
        "description": character.description,
        "licence": character.licence,
        "source": character.source,
        "speed": character.speed,
        "aliases": list(character.aliases),
        "picture": character.picture and f"/api/characters/{quote(character.name)}/picture",
    }


async def _characters(request: Request) -> list[Character]:
    # Asking may look at the folder, and read what changed there.
    return await asyncio.to_thread(services_of(request).characters.all)


ROUTES = [
    Route("/v1/models", models),
    Route("/v1/audio/voices", voices),
    Route("/api/characters", characters),
    Route("/api/characters/{name}/picture", picture),
]
