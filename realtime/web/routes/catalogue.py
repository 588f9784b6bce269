"""Lists for clients: models, voices, and characters with their pictures."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from realtime.characters import Character, ConverterVoice
from realtime.conversion.voice_descriptions import (
    ConverterModels,
    FormantRange,
    OptionDescription,
    describe_formants,
    describe_options,
    engine_of,
    models_without_card,
)
from realtime.errors import BadRequest, NotFound
from realtime.models.loaded import LoadedModels
from realtime.services import Services
from realtime.web.openapi.error_codes import codes
from realtime.web.openapi.operation import (
    BYTES,
    CHARACTERS,
    MODELS,
    AnswerSpec,
    Operation,
    Parameter,
    json_answer,
)
from realtime.web.requests.field_types import TextField
from realtime.web.requests.services import services_of

BY_CHARACTER = ("yamabiko", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # the character's own engine
NAME = TextField("name", "A character's name or alias.")


@dataclass(frozen=True)
class OpenAiModel:
    """A name that `model` takes."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


@dataclass(frozen=True)
class OpenAiModels:
    """The names that `model` takes, as OpenAI lists them."""

    object: Literal["list"]
    data: list[OpenAiModel]


@dataclass(frozen=True)
class VoiceName:
    """A name that `voice` takes, and the character's name for people."""

    id: str
    name: str


@dataclass(frozen=True)
class VoiceNames:
    """Every name that `voice` takes."""

    voices: list[VoiceName]


@dataclass(frozen=True)
class CharacterDescription:
    """A character; `language` is its own, `languages` it speaks, `native` without an accent."""

    name: str
    display_name: str
    engine: str
    language: str
    native: list[str]
    languages: list[str]
    gender: str | None
    description: str | None
    licence: str | None
    source: str | None
    speed: float
    aliases: list[str]
    picture: str | None  # a path on this server


@dataclass(frozen=True)
class ConverterVoiceDescription(CharacterDescription):
    """A character that does not speak; `key` and the options' values are those of its card."""

    model: str
    key: float | None  # semitones; without it the voice is moved to its median pitch
    formant: FormantRange | None  # null: its formants stay
    options: list[OptionDescription]


@dataclass(frozen=True)
class CharacterDescriptions:
    """Every character: those that speak, and those that other voices are changed into.

    Models of converters that no card names are voices too.
    """

    characters: list[CharacterDescription]
    converter_voices: list[ConverterVoiceDescription]
    converter_models: list[ConverterModels]


async def list_models(request: Request) -> Response:
    """Answer as OpenAI does: the engines that speak, and names that leave the engine open."""
    names = [*BY_CHARACTER, *services_of(request).models.synthesizers()]
    created = request.app.state.created
    data = [OpenAiModel(name, "model", created, "yamabiko") for name in names]
    return JSONResponse(asdict(OpenAiModels("list", data)))


async def list_voices(request: Request) -> Response:
    """Answer with every name that `voice` takes, also aliases."""
    known = await _characters(request)
    names = [VoiceName(each.name, each.display_name) for each in known]
    aliases = [VoiceName(alias, each.display_name) for each in known for alias in each.aliases]
    return JSONResponse(asdict(VoiceNames(names + aliases)))


async def list_characters(request: Request) -> Response:
    """Answer with every voice there is; models may have been brought just now."""
    await services_of(request).models.look(kind="convert")
    described = await asyncio.to_thread(_describe_all, services_of(request))
    return JSONResponse(asdict(described))


async def show_picture(request: Request) -> Response:
    name = request.path_params["name"]
    character = await asyncio.to_thread(services_of(request).characters.get, name)
    if character.picture is None:
        raise NotFound(f"{character.name!r} has no picture.", code="picture_not_found")
    return FileResponse(character.picture, headers={"Cache-Control": "no-cache"})


def describe_character(character: Character) -> CharacterDescription:
    """Return what a client may know of a character."""
    picture = f"/api/characters/{quote(character.name)}/picture" if character.picture else None
    return CharacterDescription(
        name=character.name,
        display_name=character.display_name,
        engine=character.engine,
        language=character.language,
        native=list(character.native),
        languages=list(character.languages),
        gender=character.gender,
        description=character.description,
        licence=character.licence,
        source=character.source,
        speed=character.speed,
        aliases=list(character.aliases),
        picture=picture,
    )


def describe_converter_voice(
    character: Character, models: LoadedModels
) -> ConverterVoiceDescription:
    """Return what a client may know of a voice, also of one whose model is missing."""
    voice = character.voice
    assert isinstance(voice, ConverterVoice), "the others speak"
    model = models.find(character.model)
    return ConverterVoiceDescription(
        **asdict(describe_character(character)),
        model=character.model,
        key=voice.card.key,
        formant=describe_formants(None if model is None else model.engine),
        options=describe_options(engine_of(models, voice.family), voice),
    )


def _describe_all(services: Services) -> CharacterDescriptions:
    speaking = services.characters.all()
    voices = services.characters.converter_voices()  # they were read just now
    models = services.models
    return CharacterDescriptions(
        [describe_character(each) for each in speaking],
        [describe_converter_voice(each, models) for each in voices],
        models_without_card(models, [each.model for each in voices]),
    )


async def _characters(request: Request) -> list[Character]:
    # In a thread: it may look at the folder on the disk, and read the files that changed.
    return await asyncio.to_thread(services_of(request).characters.all)


ROUTES = [
    Route("/v1/models", list_models),
    Route("/v1/audio/voices", list_voices),
    Route("/api/characters", list_characters),
    Route("/api/characters/{name}/picture", show_picture),
]
OPERATIONS = [
    Operation(
        "GET",
        "/v1/models",
        MODELS,
        "List the names that `model` takes, as OpenAI does",
        (json_answer(OpenAiModels, "The engines that speak, and names that leave it open."),),
    ),
    Operation(
        "GET",
        "/v1/audio/voices",
        CHARACTERS,
        "List the names that `voice` takes",
        (json_answer(VoiceNames, "The characters' names and aliases."),),
    ),
    Operation(
        "GET",
        "/api/characters",
        CHARACTERS,
        "List the characters",
        (json_answer(CharacterDescriptions, "Every character."),),
    ),
    Operation(
        "GET",
        "/api/characters/{name}/picture",
        CHARACTERS,
        "Get a character's picture",
        (AnswerSpec(200, "The picture.", {"image/*": BYTES}, headers=("ETag",)),),
        (
            codes(NotFound, "character_not_found", "picture_not_found"),
            codes(BadRequest, "bad_character_name"),
        ),
        parameters=(Parameter("path", NAME, "af_heart"),),
    ),
]
