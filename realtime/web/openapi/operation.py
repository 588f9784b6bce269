"""An operation of the API: a method at a path, with what it takes and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from realtime.audio.formats import FORMATS
from realtime.web.openapi.error_codes import ErrorCode
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import Field

JSON = "application/json"
FORM = "multipart/form-data"
HTML = "text/html"
BYTES = object()  # stands where a content has no type: bytes of its media type
SOUND: Mapping[str, Any] = {known.content_type: BYTES for known in FORMATS.values()}

# The groups of operations, in the order in which the document shows them.
SPEECH = "Speech"
RECORDINGS = "Recordings"
CONVERSION = "Voice conversion"
CHARACTERS = "Characters"
MODELS = "Models"
SERVER = "Server"
ACCESS = "Access"
PAGE = "The page"
GPT_SOVITS = "GPT-SoVITS"
GROUPS = {
    SPEECH: "A text in, a character's voice out.",
    GPT_SOVITS: "GPT-SoVITS' own API, for its clients; characters of every engine answer.",
    RECORDINGS: "Lines with a URL: spoken once, kept, and played while they are being spoken.",
    CONVERSION: "A recording in, another voice out.",
    CHARACTERS: "Who speaks.",
    MODELS: "The engines: loaded, unloaded, accelerated.",
    SERVER: "The state of the server, for people and monitors.",
    ACCESS: "Keys, tickets and the page's log-in; see docs/signing.md.",
    PAGE: "The page, its files, and this document.",
}


@dataclass(frozen=True)
class Parameter:
    """A value outside the body; `place` is path, query or header."""

    place: str
    field: Field
    example: Any = None


@dataclass(frozen=True)
class Body:
    """The body of a request: its fields, and an example of them."""

    table: FieldTable
    example: Mapping[str, Any]
    media_type: str = JSON
    others: Mapping[str, str] = field(default_factory=dict)  # other media types, and what they hold


@dataclass(frozen=True)
class AnswerSpec:
    """An answer that is no error: its content as a type for each media type."""

    status: int
    about: str
    content: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()  # always there
    may_have: tuple[str, ...] = ()  # headers that are there sometimes
    example: Any = None  # of JSON


@dataclass(frozen=True)
class Operation:
    """A method at a path, as the API's document shows it."""

    method: str
    path: str
    group: str
    summary: str
    answers: tuple[AnswerSpec, ...]
    errors: tuple[tuple[ErrorCode, ...], ...] = ()  # in groups
    about: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    upgrades: bool = False  # to a socket

    @property
    def id(self) -> str:
        """Return a name for generated clients, such as `get_lines_key`."""
        words = "".join(sign if sign.isalnum() else " " for sign in self.path).split()
        return "_".join((self.method.lower(), *words))


def json_answer(
    kind: Any,
    about: str,
    example: Any = None,
    status: int = 200,
    may_have: tuple[str, ...] = (),
) -> AnswerSpec:
    """Return an answer with JSON of a type."""
    return AnswerSpec(status, about, {JSON: kind}, may_have=may_have, example=example)
