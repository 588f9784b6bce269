"""Lists for clients: models, voices, and characters with their pictures."""

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


async def list_models(request: Request) -> Response:
    """Answer as OpenAI does: the engines that speak, and names that leave the engine open."""
    names = [*BY_CHARACTER, *services_of(request).models.synthesizers()]
    created = request.app.state.created
    data = [
        {"id": name, "object": "model", "created": created, "owned_by": "yamabiko"}
        for name in names
    ]
    return JSONResponse({"object": "list", "data": data})


async def list_voices(request: Request) -> Response:
    """Answer with every name that `voice` takes, also aliases."""
    known = await _characters(request)
    names = [{"id": each.name, "name": each.display_name} for each in known]
    aliases = [{"id": alias, "name": each.display_name} for each in known for alias in each.aliases]
    return JSONResponse({"voices": names + aliases})


async def list_characters(request: Request) -> Response:
    known = await _characters(request)
    return JSONResponse({"characters": [describe_character(each) for each in known]})


async def show_picture(request: Request) -> Response:
    name = request.path_params["name"]
    character = await asyncio.to_thread(services_of(request).characters.get, name)
    if character.picture is None:
        raise NotFound(f"{character.name!r} has no picture.", code="picture_not_found")
    return FileResponse(character.picture, headers={"Cache-Control": "no-cache"})


def describe_character(character: Character) -> dict[str, Any]:
    """Return what a client may know of a character; the picture is a path on this server."""
    return {
        "name": character.name,
        "display_name": character.display_name,
        "engine": character.engine,
        "language": character.language,
        "native": list(character.native),
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
    # In a thread: it may look at the folder on the disk, and read the files that changed.
    return await asyncio.to_thread(services_of(request).characters.all)


ROUTES = [
    Route("/v1/models", list_models),
    Route("/v1/audio/voices", list_voices),
    Route("/api/characters", list_characters),
    Route("/api/characters/{name}/picture", show_picture),
]
