"""Options of engines: settings of how one engine speaks, which a request may change by name."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from realtime.errors import BadRequest
from realtime.json_input import describe_value

MOST_OPTIONS = 32  # of one request
NAME = r"[a-z][a-z0-9_]{0,39}"
MOST_TEXT = 100  # characters of a value
MOST_NUMBER = 10**15  # in size; far beyond any option, and exact as a float

OptionValue = bool | int | float | str
Options = tuple[tuple[str, OptionValue], ...]  # sorted by name, each name once


@dataclass(frozen=True)
class EngineOption(ABC):
    """An option: its name, and a description for people."""

    name: str
    about: str

    @abstractmethod
    def read(self, value: OptionValue) -> OptionValue:
        """Return the value in the one form that it has in keys, or refuse it."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its values."""

    def refuse(self, value: OptionValue, allowed: str) -> NoReturn:
        raise BadRequest(
            f"{self.name} is {describe_value(value)}; expected is {allowed}.", field="options"
        )


@dataclass(frozen=True)
class NumberOption(EngineOption):
    """A number between two bounds."""

    least: float
    most: float
    default: float

    def read(self, value: OptionValue) -> float:
        if not _is_number(value) or not self.least <= float(value) <= self.most:
            self.refuse(value, f"a number from {self.least:g} to {self.most:g}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "number", **bounds, "default": self.default}


@dataclass(frozen=True)
class WholeOption(EngineOption):
    """A whole number between two bounds."""

    least: int
    most: int
    default: int

    def read(self, value: OptionValue) -> int:
        # JSON has one kind of numbers: 2.0 is whole.
        if not _is_number(value) or value != int(value) or not self.least <= value <= self.most:
            self.refuse(value, f"a whole number from {self.least} to {self.most}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, "default": self.default}


@dataclass(frozen=True)
class FlagOption(EngineOption):
    """A yes or no."""

    default: bool

    def read(self, value: OptionValue) -> bool:
        if not isinstance(value, bool):
            self.refuse(value, "true or false")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean", "default": self.default}


@dataclass(frozen=True)
class ChoiceOption(EngineOption):
    """A choice of some texts."""

    choices: tuple[str, ...]
    default: str

    def read(self, value: OptionValue) -> str:
        if not isinstance(value, str) or value not in self.choices:
            self.refuse(value, f"one of {', '.join(self.choices)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices), "default": self.default}


@dataclass(frozen=True)
class TextOption(EngineOption):
    """A text, such as a name that the engine looks up; empty by default."""

    def read(self, value: OptionValue) -> str:
        if not isinstance(value, str) or not value.isprintable():
            self.refuse(value, "a text")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": MOST_TEXT, "default": ""}


def options_of(values: object) -> Options:
    """Return options as a request holds them, sorted; refuse what no engine's option can be.

    null is the same as absent, as in the rest of a request.
    """
    if values is None:
        return ()
    if not isinstance(values, Mapping) or len(values) > MOST_OPTIONS:
        raise BadRequest(
            f"options is {describe_value(values)}; expected is an object with at most "
            f"{MOST_OPTIONS} options of an engine, by name.",
            field="options",
        )
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name) or not _is_value(value):
            raise BadRequest(
                f"The option {describe_value(name)} is {describe_value(value)}; expected are a "
                "name of letters a to z, digits and _, and a number, true or false, or a text "
                f"of at most {MOST_TEXT} characters.",
                field="options",
            )
    return tuple(sorted(given.items()))


def taken_options(options: Options, known: Sequence[EngineOption]) -> Options:
    """Return the options that an engine has, each checked; others are left out."""
    readers = {option.name: option for option in known}
    return tuple((name, readers[name].read(value)) for name, value in options if name in readers)


def own_options(engine: str, options: Options, known: Sequence[EngineOption]) -> Options:
    """Return options that were meant for one engine, each checked; one that it lacks is refused."""
    names = sorted(option.name for option in known)
    for name, _ in options:
        if name not in names:
            there = f"there are: {', '.join(names)}" if names else "it has none"
            raise BadRequest(f"{engine} has no option {name!r}; {there}.", field="options")
    return taken_options(options, known)


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MOST_TEXT
    return isinstance(value, bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    """Return whether a value is a number within bounds; a bool and NaN are none."""
    return type(value) in (int, float) and abs(value) <= MOST_NUMBER
