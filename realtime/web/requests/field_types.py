"""Kinds of fields: each reads its value from a request, and describes the values that it takes.

The API's document is made of these descriptions, so a bound stands in one place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from realtime.audio.formats import FORMATS, Format, format_named
from realtime.engines.contract import Converter, TakesOptions
from realtime.engines.options import MOST_OPTIONS, Options, options_of
from realtime.services import Services
from realtime.web.requests.fields import Fields

T = TypeVar("T")

Schema = dict[str, Any]
FromServices = Callable[[Services], T]  # for what the settings or the engines decide


@dataclass(frozen=True)
class Field(ABC):
    """A field of a request: its name, and a description for people."""

    name: str
    about: str
    needed: ClassVar[bool] = False

    @abstractmethod
    def schema(self, services: Services) -> Schema:
        """Return the JSON Schema of its values, without null."""


@dataclass(frozen=True)
class TextField(Field):
    """A text; None where it is absent.

    `least`, `most` and `choices` only describe: such texts are checked where they are used.
    With `may_be_empty` an empty text is as good as none.
    """

    least: int | None = None  # characters
    most: FromServices[int] | None = None  # characters
    choices: tuple[str, ...] | FromServices[Collection[str]] = ()
    default: str | None = None
    may_be_empty: bool = False

    def read(self, fields: Fields) -> str | None:
        found = fields.text(self.name)
        return None if self.may_be_empty and not found else found

    def schema(self, services: Services) -> Schema:
        most = None if self.most is None else self.most(services)
        choices = self.choices(services) if callable(self.choices) else self.choices
        return filled(
            type="string",
            minLength=self.least,
            maxLength=most,
            enum=[*choices, *([""] if self.may_be_empty else [])] or None,
            default=self.default,
        )


@dataclass(frozen=True)
class NeededTextField(TextField):
    """A text that must be there."""

    needed: ClassVar[bool] = True

    def read(self, fields: Fields) -> str:
        return fields.needed_text(self.name)


@dataclass(frozen=True)
class FlagField(Field):
    """A yes or no, with a default."""

    default: bool = False

    def read(self, fields: Fields) -> bool:
        return fields.flag(self.name, self.default)

    def schema(self, services: Services) -> Schema:
        return {"type": "boolean", "default": self.default}


@dataclass(frozen=True)
class OptionalFlagField(Field):
    """A yes or no; None where it is absent."""

    def read(self, fields: Fields) -> bool | None:
        return fields.optional_flag(self.name)

    def schema(self, services: Services) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class NumberField(Field):
    """A number between two bounds; None where it is absent."""

    least: float
    most: float

    def read(self, fields: Fields) -> float | None:
        return fields.number(self.name, self.least, self.most)

    def schema(self, services: Services) -> Schema:
        return {"type": "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class WholeField(Field):
    """A whole number between two bounds, with a default."""

    least: int
    most: int
    default: int

    def read(self, fields: Fields) -> int:
        found = fields.whole(self.name, self.least, self.most)
        return self.default if found is None else found

    def schema(self, services: Services) -> Schema:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, "default": self.default}


@dataclass(frozen=True)
class NamesField(Field):
    """A list of names that must be there."""

    most: int
    needed: ClassVar[bool] = True

    def read(self, fields: Fields) -> tuple[str, ...]:
        return fields.names(self.name, self.most)

    def schema(self, services: Services) -> Schema:
        return {"type": "array", "items": {"type": "string"}, "maxItems": self.most}


@dataclass(frozen=True)
class ChoiceField(Field):
    """A choice of some texts, with a default."""

    choices: tuple[str, ...]
    default: str

    def read(self, fields: Fields) -> str:
        return fields.one_of(self.name, self.choices, self.default)

    def schema(self, services: Services) -> Schema:
        return {"type": "string", "enum": list(self.choices), "default": self.default}


@dataclass(frozen=True)
class NumberChoiceField(Field):
    """A choice of some whole numbers; None where it is absent."""

    choices: tuple[int, ...]

    def read(self, fields: Fields) -> int | None:
        return fields.number_of(self.name, self.choices)

    def schema(self, services: Services) -> Schema:
        return {"type": "integer", "enum": list(self.choices)}


@dataclass(frozen=True)
class FormatField(Field):
    """The name of a container format, with a default."""

    default: str

    def read(self, fields: Fields) -> Format:
        return format_named(fields.text(self.name) or self.default, self.name)

    def schema(self, services: Services) -> Schema:
        return {"type": "string", "enum": list(FORMATS), "default": self.default}


@dataclass(frozen=True)
class NameField(Field):
    """A name, also where it comes as {"id": name}; None where it is absent."""

    def read(self, fields: Fields) -> str | None:
        return fields.name_or_id(self.name)

    def schema(self, services: Services) -> Schema:
        named = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
        return {"anyOf": [{"type": "string"}, named]}


@dataclass(frozen=True)
class OptionsField(Field):
    """Options of engines by name; its description has those of the engines of its kind."""

    converts: bool  # the engines convert; else they speak

    def read(self, fields: Fields) -> Options:
        return options_of(fields.value(self.name))

    def schema(self, services: Services) -> Schema:
        return {
            "type": "object",
            "properties": _described_options(services, self.converts),
            "additionalProperties": {"type": ["boolean", "number", "string", "null"]},
            "maxProperties": MOST_OPTIONS,
        }


@dataclass(frozen=True)
class FileField(Field):
    """An uploaded file, which the form's own reader takes out of the form."""

    needed: ClassVar[bool] = True

    def schema(self, services: Services) -> Schema:
        return {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class FilesField(FileField):
    """Uploaded files under one name: the field comes once for each."""

    most: FromServices[int]

    def schema(self, services: Services) -> Schema:
        bounds = {"minItems": 1, "maxItems": self.most(services)}
        return {"type": "array", "items": super().schema(services), **bounds}


def filled(**parts: Any) -> Schema:
    """Return a schema of the parts that are there."""
    return {name: part for name, part in parts.items() if part is not None}


def _described_options(services: Services, converts: bool) -> Schema:
    """Describe each option once; engines that have it may have it within other bounds."""
    described: Schema = {}
    # The models of an engine have the same options.
    for name, engine in {each.engine.name: each.engine for each in services.models}.items():
        if isinstance(engine, Converter) != converts or not isinstance(engine, TakesOptions):
            continue
        for option in engine.options:
            schema = {"description": f"Of {name}: {option.about}", **option.schema()}
            described.setdefault(option.name, {"anyOf": []})["anyOf"].append(schema)
    return described
