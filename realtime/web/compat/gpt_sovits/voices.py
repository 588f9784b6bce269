"""The fork's voices: the characters, listed, made of clips, and removed."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.characters import Character, GptSovitsVoice, KokoroVoice, VallePrompt
from realtime.characters.removal import remove_character
from realtime.errors import BadRequest, NotFound, YamabikoError
from realtime.services import Services
from realtime.web.compat.gpt_sovits.errors import GptSovitsError
from realtime.web.compat.gpt_sovits.make_prompts import make_prompts
from realtime.web.compat.gpt_sovits.message import SUCCESS, Message
from realtime.web.compat.gpt_sovits.speakers import audio_files, clip_names, style_of
from realtime.web.compat.gpt_sovits.state import state_of
from realtime.web.entry.hosts_and_origins import check_page
from realtime.web.openapi.error_codes import FOREIGN_PAGE, codes
from realtime.web.openapi.operation import (
    GPT_SOVITS,
    JSON,
    AnswerSpec,
    Operation,
    Parameter,
    json_answer,
)
from realtime.web.requests.field_types import NeededTextField, TextField
from realtime.web.requests.services import services_of

NAME = TextField("name", "A character's name or alias.")
AUDIO_FILE = NeededTextField("audio_file", "One of the voice's `audio_files`.")


class Voice(TypedDict):
    """A character as the fork describes a voice; its clips are names, which `/tts` takes."""

    name: str
    audio_files: list[str]
    text_files: list[str]
    gender: str
    description: str
    language: str


class Voices(TypedDict):
    """The voices by name."""

    voices: dict[str, Voice]


class Refreshed(TypedDict):
    """The voices that can be used; the files that cannot, and the voices without a prompt."""

    success_count: int
    error_count: int
    total_voices: int
    errors: list[str]


class RefreshAnswer(TypedDict):
    """The result of reading the folder of characters again."""

    message: str
    result: Refreshed


class CachedVoice(TypedDict):
    """A voice that is ready to speak."""

    audio_size: int  # bytes of its data
    prompt_text: str
    gender: str


class CacheStatus(TypedDict):
    """The voices that are ready to speak."""

    cached_voices: list[str]
    cache_size: int
    cache_info: dict[str, CachedVoice]


async def list_voices(request: Request) -> Response:
    known = await _characters(services_of(request))
    return JSONResponse({"voices": {each.name: _described(each) for each in known}})


async def show_voice(request: Request) -> Response:
    return JSONResponse(_described(await _character(request)))


async def set_clip(request: Request) -> Response:
    """Choose the clip by whose example a voice speaks from now on."""
    check_page(request.scope, services_of(request).settings)
    character = await _character(request)
    clip = clip_names(request.query_params.get("audio_file", ""))[1]
    style = style_of(character, clip)
    if style is None:
        raise BadRequest(
            f"{character.name!r} has no clip {clip[:60]!r}.",
            hint=f"It has {', '.join(audio_files(character))}.",
            field="audio_file",
        )
    state_of(request).styles[character.name] = style
    return JSONResponse(SUCCESS)


async def delete_voice(request: Request) -> Response:
    """Remove a character that was made of a clip."""
    services = services_of(request)
    check_page(request.scope, services.settings)
    character = await _character(request)
    folder = services.settings.presets.path
    await asyncio.to_thread(remove_character, services.characters, folder, character)
    state_of(request).styles.pop(character.name, None)
    return JSONResponse(SUCCESS)


async def refresh_voices(request: Request) -> Response:
    """Read the folder of characters again, and make the prompts of those that need one."""
    services = services_of(request)
    check_page(request.scope, services.settings)
    await asyncio.to_thread(services.characters.refresh)
    failed = await make_prompts(services)
    known, broken = await _characters(services), services.characters.broken
    result: Refreshed = {
        "success_count": len(known) - len(failed),
        "error_count": len(broken) + len(failed),
        "total_voices": len(known) + len(broken),
        "errors": [f"{each}: {reason}" for each, reason in [*broken.items(), *failed.items()]],
    }
    return JSONResponse({"message": "success", "result": result})


async def show_cache(request: Request) -> Response:
    """Answer with the voices that are ready to speak: of GPT-SoVITS those with a prompt."""
    services = services_of(request)
    known = await asyncio.to_thread(_ready, services)
    status: CacheStatus = {
        "cached_voices": [each.name for each in known],
        "cache_size": len(known),
        "cache_info": {each.name: _cached(each) for each in known},
    }
    return JSONResponse(status)


def _ready(services: Services) -> list[Character]:
    prompts = services.voice_prompts
    return [
        each
        for each in services.characters.all()
        if not isinstance(each.voice, GptSovitsVoice) or prompts.is_ready(each)
    ]


def _described(character: Character) -> Voice:
    voice = character.voice
    said = voice.card.clip.text if isinstance(voice, GptSovitsVoice) else ""
    return {
        "name": character.name,
        "audio_files": list(audio_files(character)),
        "text_files": [f"{character.name}.txt"] if said else [],
        "gender": character.gender,
        "description": character.description,
        "language": character.language,
    }


def _cached(character: Character) -> CachedVoice:
    voice, text, size = character.voice, "", 0
    match voice:
        case KokoroVoice():
            size = voice.style.nbytes
        case VallePrompt():
            size = voice.audio_tokens.nbytes + voice.text_tokens.nbytes
        case GptSovitsVoice():
            text = voice.card.clip.text
    return {"audio_size": size, "prompt_text": text, "gender": character.gender}


async def _characters(services: Services) -> list[Character]:
    return await asyncio.to_thread(services.characters.all)


async def _character(request: Request) -> Character:
    name = request.path_params["name"]
    return await asyncio.to_thread(services_of(request).characters.get, name)


ROUTES = [
    Route("/voices", list_voices),
    Route("/voice/{name}", show_voice),
    Route("/voice/{name}", delete_voice, methods=["DELETE"]),
    Route("/voice/{name}/set", set_clip, methods=["POST"]),
    Route("/refresh_voice_cache", refresh_voices, methods=["POST"]),
    Route("/voice_cache_status", show_cache),
]

REFUSED = AnswerSpec(400, "A refusal in the words of GPT-SoVITS.", {JSON: GptSovitsError})
UNKNOWN = (codes(NotFound, "character_not_found"), codes(BadRequest, "bad_character_name"))


def _operation(method: str, path: str, summary: str, kind: Any, about: str) -> Operation:
    """Return an operation; one with a name in its path may be refused."""
    named = "{name}" in path
    return Operation(
        method,
        path,
        GPT_SOVITS,
        summary,
        (json_answer(kind, about), *((REFUSED,) if named else ())),
        (
            *(UNKNOWN if named else ()),
            *((FOREIGN_PAGE,) if method != "GET" else ()),
            *((codes(BadRequest), codes(YamabikoError)) if method == "DELETE" else ()),
            *((codes(BadRequest),) if path.endswith("/set") else ()),
        ),
        "See docs/gpt_sovits_api.md.",
        (
            *((Parameter("path", NAME, "af_heart"),) if named else ()),
            *((Parameter("query", AUDIO_FILE, "af_heart.wav"),) if path.endswith("/set") else ()),
        ),
    )


OPERATIONS = [
    _operation("GET", "/voices", "List the voices", Voices, "The characters."),
    _operation("GET", "/voice/{name}", "Show a voice", Voice, "The character."),
    _operation("DELETE", "/voice/{name}", "Remove a voice", Message, "It is gone."),
    _operation("POST", "/voice/{name}/set", "Choose a voice's clip", Message, "It is chosen."),
    _operation(
        "POST", "/refresh_voice_cache", "Read the voices again", RefreshAnswer, "What was read."
    ),
    _operation(
        "GET", "/voice_cache_status", "List the voices in memory", CacheStatus, "The voices."
    ),
]
