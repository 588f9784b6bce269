"""The live protocol `yamabiko.v1`: its messages and sound, read and written."""

from __future__ import annotations

import struct
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import numpy as np

from realtime.audio.samples import Pcm
from realtime.engines.options import options_of
from realtime.errors import BadMessage, BadRequest
from realtime.json_input import describe_value, parse_object
from realtime.live.messages import MOST_ID, FromClient, FromServer, Say

PROTOCOL = "yamabiko.v1"
MOST_MESSAGE_BYTES = 256 << 10
EXAMPLE = '{"type": "say", "id": "1", "text": "Hello."}'
KINDS: Mapping[str, Any] = {
    str(kind.__struct_config__.tag): kind for kind in typing.get_args(FromClient)
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STREAM = struct.Struct("<I")
_WORDS = {str: "a text", bool: "true or false", float: "a number", int: "a whole number"}


def decode(data: str | bytes) -> FromClient:
    """Read a client's message, or refuse it with the field and what is allowed there."""
    id: str | None = None
    try:
        values = parse_object(data, "The message", EXAMPLE)
        id = _readable_id(values)
        return _message(values)
    except BadRequest as error:
        bad = BadMessage(error.message, code=error.code, hint=error.hint, field=error.field)
        bad.id = id
        raise bad from error


def encode(message: FromServer) -> str:
    return msgspec.json.encode(message).decode()


def encode_audio(stream: int, pcm: Pcm) -> bytes:
    """Write sound of one utterance: its stream number, then its samples."""
    return _STREAM.pack(stream) + pcm.astype("<i2", copy=False).tobytes()


def microphone_samples(data: bytes) -> Pcm:
    """Read the samples of a client's microphone; it sends no number before them."""
    if len(data) % 2:
        raise BadMessage(
            f"{len(data)} bytes are no whole samples.",
            code="odd_sound",
            hint="Sound is PCM of 16 bits, little-endian, mono.",
        )
    return np.frombuffer(data, "<i2").astype(np.int16, copy=False)


def schema() -> dict[str, Any]:
    """Return every message as JSON Schema."""
    (client, server), parts = msgspec.json.schema_components(
        (FromClient, FromServer), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": DIALECT,
        "title": PROTOCOL,
        "anyOf": [{"title": "from the client", **client}, {"title": "from the server", **server}],
        "$defs": parts,
    }


def _message(values: Mapping[str, Any]) -> FromClient:
    kind = _kind(values.get("type"))
    fields = _FIELDS[kind]
    for name in values:
        if name != "type" and name not in fields:
            there = ", ".join(fields) or "none"
            raise BadRequest(
                f"There is no field {describe_value(name)}; there are: {there}.",
                code="unknown_field",
                field=name[:60],
            )
    found: dict[str, Any] = {}
    for name, field in fields.items():
        # null is the same as absent: clients send it for what they leave open.
        if (value := values.get(name)) is not None:
            found[name] = _value(name, value, field)
        elif field.required or (kind is Say and name == "text" and not found.get("more")):
            raise BadRequest(f"{name} is missing; {field.expected} is expected.", field=name)
    message: FromClient = kind(**found)
    return message


def _kind(tag: object) -> Any:
    if not isinstance(tag, str) or tag not in KINDS:
        raise BadRequest(
            f"type is {describe_value(tag)}; there are: {', '.join(KINDS)}.",
            code="unknown_type",
            field="type",
        )
    return KINDS[tag]


def _value(name: str, value: object, field: _Field) -> Any:
    try:
        found = msgspec.convert(value, field.type)
    except msgspec.ValidationError:
        _refuse(name, value, field.expected)
    if name == "options":
        options_of(found)
    if name == "id" and not _is_id(found):
        _refuse(name, value, f"{field.expected} that UTF-8 can write")
    return found


def _refuse(name: str, value: object, expected: str) -> NoReturn:
    raise BadRequest(f"{name} is {describe_value(value)}; expected is {expected}.", field=name)


def _readable_id(values: Mapping[str, Any]) -> str | None:
    """Return the id of a message that may be wrong otherwise; None when it is no id."""
    found = values.get("id")
    return found if isinstance(found, str) and _is_id(found) else None


def _is_id(text: str) -> bool:
    """Tell whether a text can be an id: no NUL in it, and no half of a surrogate pair."""
    return 1 <= len(text) <= MOST_ID and not any(
        sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text
    )


class _Field(typing.NamedTuple):
    """The rules of one field of a message."""

    type: Any
    required: bool
    expected: str  # in words, for messages


def _expected(kind: Any) -> str:
    """Describe in words the values of a type."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return _expected(typing.get_args(kind)[0])
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, typing.get_args(kind)))}"
    if typing.get_origin(kind) is Annotated:
        plain, *metas = typing.get_args(kind)
        described = [meta.extra["expected"] for meta in metas if meta.extra]
        return str(described[0]) if described else _expected(plain)
    return _WORDS[kind]


_FIELDS: Mapping[Any, Mapping[str, _Field]] = {
    kind: {
        field.name: _Field(field.type, field.required, _expected(field.type))
        for field in msgspec.structs.fields(kind)
    }
    for kind in KINDS.values()
}
