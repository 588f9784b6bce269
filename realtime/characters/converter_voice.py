"""A voice of a converter: weights that make any speech sound like it, and how it is asked for."""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from realtime.characters.gpt_sovits_voice import BadVoiceCard

FAMILIES = ("rvc", "ddsp_svc")  # engines whose voices these are
LOWEST_KEY, HIGHEST_KEY = -24.0, 24.0  # semitones
MOST_PATH = 200
MOST_OPTIONS = 32
MOST_TEXT = 100  # characters of an option

OptionValues = tuple[tuple[str, bool | float | str], ...]  # sorted by name


@dataclass(frozen=True)
class ConverterCard:
    """The key `voice` of a character's card, read and checked; files are not looked for yet."""

    file: str  # in the engine's folder of models
    key: float | None = None  # semitones by which speech is moved
    options: OptionValues = ()  # of the engine, which checks them when it is asked


@dataclass(frozen=True, eq=False)
class ConverterVoice:
    """A voice, with the engine that has it."""

    family: str
    card: ConverterCard

    @cached_property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with whatever the card says of the voice."""
        return hashlib.sha256(f"{self.family}:{self.card!r}".encode()).hexdigest()[:16]

    @property
    def model(self) -> str:
        """Return the name of its model: of a file without ending, or of the folder of a voice."""
        path = PurePosixPath(self.card.file)
        if self.family == "ddsp_svc":
            return path.parent.name if path.suffix == ".pt" else path.name
        return path.stem


def is_converter_voice(value: object) -> bool:
    """Tell a voice of a converter from other kinds by the key that only it has."""
    return isinstance(value, dict) and "file" in value


def read_converter_voice(value: Mapping[Any, Any]) -> ConverterCard:
    """Read the key `voice` of a card: `file`, `key`, and options of the engine by their names."""
    entries = dict(value)
    file = _file(entries.pop("file"))
    key = entries.pop("key", None)
    if key is not None:
        key = _key(key)
    if len(entries) > MOST_OPTIONS:
        raise BadVoiceCard(f"it has more than {MOST_OPTIONS} options")
    return ConverterCard(file, key, tuple(sorted(map(_option, entries.items()))))


def _file(value: Any) -> str:
    path = PurePosixPath(value) if isinstance(value, str) else PurePosixPath()
    inside = not path.is_absolute() and ".." not in path.parts and path.name
    plain = isinstance(value, str) and value.isprintable() and len(value) <= MOST_PATH
    if not inside or not plain or "\\" in value:
        raise BadVoiceCard(
            f"file is {reprlib.repr(value)}; a file or folder within the engine's models is "
            "expected"
        )
    return str(path)


def _key(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not LOWEST_KEY <= value <= HIGHEST_KEY:
        raise BadVoiceCard(
            f"key is {reprlib.repr(value)}; semitones from {LOWEST_KEY:g} to {HIGHEST_KEY:g} are "
            "expected"
        )
    return float(value)


def _option(item: tuple[Any, Any]) -> tuple[str, bool | float | str]:
    name, value = item
    scalar = isinstance(value, bool | int | float) or (
        isinstance(value, str) and len(value) <= MOST_TEXT
    )
    if not isinstance(name, str) or not name.isidentifier() or not scalar:
        raise BadVoiceCard(
            f"{reprlib.repr(name)} is {reprlib.repr(value)}; besides file and key it has options "
            "of its engine, each a number, a text, true or false"
        )
    return name, value
