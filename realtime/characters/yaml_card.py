"""The card of a character: its yaml file, every key checked."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import yaml

from realtime.characters.converter_voice import (
    ConverterCard,
    is_converter_voice,
    read_converter_voice,
)
from realtime.characters.gpt_sovits_voice import (
    BadVoiceCard,
    GptSovitsCard,
    is_trained_voice,
    read_trained_voice,
)
from realtime.characters.indextts_voice import (
    IndexTtsCard,
    is_indextts_voice,
    read_indextts_voice,
)
from realtime.characters.names import ALLOWED, composed_name, valid_name
from realtime.characters.remote_voice import RemoteCard, is_remote_voice, read_remote_card
from realtime.model_id import SEPARATOR

LANGUAGES = ("en", "zh", "ja")
GENDERS = ("female", "male", "neutral", "unknown")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")  # none that can hold a script
SLOWEST, FASTEST = 0.25, 4.0
LOWEST, HIGHEST = 40.0, 800.0
MOST_BYTES = 16 << 10
MOST_TEXT = 2_000
MOST_DISPLAYED = 80
MOST_PARTS = 16
MOST_ALIASES = 64
MOST_DEPTH = 4

# A voice that a model of an engine has.
ModelVoice = GptSovitsCard | IndexTtsCard | ConverterCard | RemoteCard
OF_VOICE = "model_voice"  # the field that the key `voice` becomes where it is one
# How each kind is told from the others, and read.
MODEL_VOICES: tuple[tuple[Callable[[object], bool], Callable[[Any], ModelVoice]], ...] = (
    (is_remote_voice, read_remote_card),
    (is_trained_voice, read_trained_voice),
    (is_converter_voice, read_converter_voice),
    (is_indextts_voice, read_indextts_voice),
)

_shown = reprlib.Repr()
_shown.maxlevel, _shown.maxstring, _shown.maxother = 2, 60, 60


class BadCard(ValueError):
    """An error of a card; its message names the key, the caller adds the file."""


@dataclass(frozen=True)
class CharacterCard:
    """A character's card; an empty field was not given."""

    display_name: str = ""
    engine: str = ""
    language: str = ""
    native: tuple[str, ...] = ()  # more than `language`, for a voice of several languages
    gender: str = ""
    description: str = ""
    licence: str = ""
    source: str = ""
    speed: float = 1.0
    median_pitch: float | None = None  # Hz, of its own voice
    aliases: tuple[str, ...] = ()
    picture: str = ""
    engines: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    voice: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))  # a blend
    model_voice: ModelVoice | None = None  # the key `voice` where it is no blend


def read_card(data: bytes) -> CharacterCard:
    """Read the card in a yaml file's bytes."""
    if len(data) > MOST_BYTES:
        raise BadCard(f"it has {len(data)} bytes; the limit is {MOST_BYTES}")
    entries = _parse_yaml(data)
    found = {str(key): _value(key, value) for key, value in entries.items()}
    if isinstance(found.get("voice"), ModelVoice):
        found[OF_VOICE] = found.pop("voice")
    return CharacterCard(**found)


def _value(key: object, value: Any) -> Any:
    if key not in READERS:
        near = difflib.get_close_matches(str(key)[:64], READERS, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise BadCard(f"{_shown.repr(key)} is no key{meant} (there are: {', '.join(READERS)})")
    try:
        return READERS[str(key)](value)
    except BadCard as error:
        raise BadCard(f"{key} is {_shown.repr(value)}; {error}") from None


def _parse_yaml(data: bytes) -> Mapping[object, Any]:
    """Parse plain YAML, without the aliases by which a small file could grow into a big one."""
    try:
        text = data.decode("utf-8-sig")
        _check_plain(text)
        entries = yaml.safe_load(text)
    except BadCard:
        raise
    except UnicodeDecodeError as error:
        raise BadCard(f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except (yaml.YAMLError, ValueError, IndexError) as error:
        raise BadCard(f"it is not YAML that can be read: {' '.join(str(error).split())}") from error
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise BadCard(f"it holds {_shown.repr(entries)}; keys with values are expected")
    return entries


def _check_plain(text: str) -> None:
    depth = 0
    top_keys: set[str] = set()
    is_key = True
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise BadCard("references (*name) and tags (!name) are not read here")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            raise BadCard("it is nested too deep")
        if depth == 1 and isinstance(event, yaml.ScalarEvent | yaml.CollectionEndEvent):
            _note_key(event, is_key, top_keys)
            is_key = not is_key


def _note_key(event: yaml.Event, is_key: bool, seen: set[str]) -> None:
    if is_key and isinstance(event, yaml.ScalarEvent):
        if event.value in seen:
            raise BadCard(f"{_shown.repr(event.value)} is said twice")
        seen.add(event.value)


def _text(most: int) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise BadCard("text is expected (put it in quotes)")
        text = " ".join(value.split())
        if not text or len(text) > most or not text.isprintable():
            raise BadCard(f"1 to {most} letters that can be printed are expected")
        return text

    return read


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise BadCard(f"one of {', '.join(names)} is expected")
        return value

    return read


def _languages(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(each not in LANGUAGES for each in value):
        raise BadCard(f"a list of some of {', '.join(LANGUAGES)} is expected")
    return tuple(dict.fromkeys(value))


def _name(value: Any) -> str:
    if not isinstance(value, str) or not valid_name(value):
        raise BadCard(f"{_shown.repr(value)} is no name: {ALLOWED}")
    return composed_name(value)


def _number(least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:
            raise BadCard(f"a number from {least:g} to {most:g} is expected")
        return float(value)

    return read


def _aliases(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_ALIASES:
        raise BadCard(f"a list of at most {MOST_ALIASES} names is expected")
    return tuple(dict.fromkeys(map(_name, value)))


def _picture(value: Any) -> str:
    name = _name(value)
    if not name.lower().endswith(PICTURES):
        raise BadCard(f"a file beside this one is expected, one of {', '.join(PICTURES)}")
    return name


def _engines(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not set(value) <= {*LANGUAGES, "mix"}:
        raise BadCard("an engine for each of some languages (en, zh, ja, mix) is expected")
    return MappingProxyType({language: _model(id) for language, id in value.items()})


def _model(value: Any) -> str:
    """Read the name of an engine, or the id of one of its models: `torchscript:nana`."""
    if not isinstance(value, str):
        return _name(value)
    return SEPARATOR.join(map(_name, value.split(SEPARATOR, 1)))


def _voice(value: Any) -> Mapping[str, float] | ModelVoice:
    """Read the parts of a blend and their weights, or a voice that a model has.

    A mere name is a single part.
    """
    try:
        for is_kind, read in MODEL_VOICES:
            if is_kind(value):
                return read(value)
    except BadVoiceCard as error:
        raise BadCard(str(error)) from None
    if isinstance(value, str):
        return MappingProxyType({_name(value): 1.0})
    if not isinstance(value, dict) or not 0 < len(value) <= MOST_PARTS:
        raise BadCard(f"a voice's name, or 1 to {MOST_PARTS} names with weights, are expected")
    return MappingProxyType({_name(name): _weight(weight) for name, weight in value.items()})


def _weight(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= 1_000 or not math.isfinite(value):
        raise BadCard(f"the weight {_shown.repr(value)} must be over 0 and at most 1000")
    return float(value)


READERS: Mapping[str, Callable[[Any], Any]] = {
    **{item.name: _text(MOST_TEXT) for item in fields(CharacterCard) if item.name != OF_VOICE},
    "display_name": _text(MOST_DISPLAYED),
    "engine": _name,
    "language": _one_of(LANGUAGES),
    "native": _languages,
    "gender": _one_of(GENDERS),
    "speed": _number(SLOWEST, FASTEST),
    "median_pitch": _number(LOWEST, HIGHEST),
    "aliases": _aliases,
    "picture": _picture,
    "engines": _engines,
    "voice": _voice,
}
