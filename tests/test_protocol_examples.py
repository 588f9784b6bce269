"""Tests of the examples for clients: schema, types and server agree with them."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest

from realtime.errors import BadMessage
from realtime.live.messages import FromServer
from realtime.live.protocol import KINDS, decode, encode, encode_audio
from tests.support.session_client import sound_message

DOCS = Path(__file__).resolve().parent.parent / "docs"
EXAMPLES = json.loads((DOCS / "protocol-examples.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((DOCS / "protocol.schema.json").read_text(encoding="utf-8"))
FROM_SERVER = {str(kind.__struct_config__.tag): kind for kind in typing.get_args(FromServer)}
# Rules that a JSON Schema cannot state: an id has no NUL, a `say` without `more` has a text.
MORE_THAN_THE_SCHEMA = {"id", "text", "t"}


def valid(message: object) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(message))


def test_each_message_has_an_example() -> None:
    assert {message["type"] for message in EXAMPLES["client"]} == set(KINDS)
    assert {message["type"] for message in EXAMPLES["server"]} == set(FROM_SERVER)


@pytest.mark.parametrize("message", EXAMPLES["client"], ids=str)
def test_what_a_client_says_is_read(message: dict[str, Any]) -> None:
    assert valid(message)
    found = decode(json.dumps(message))
    assert type(found) is KINDS[message["type"]]
    for name, value in message.items():
        assert name == "type" or getattr(found, name) == value


@pytest.mark.parametrize("example", EXAMPLES["refused"], ids=str)
def test_what_no_client_may_say_is_refused(example: dict[str, Any]) -> None:
    message, field = example["message"], example["field"]
    assert field in MORE_THAN_THE_SCHEMA or not valid(message)
    with pytest.raises(BadMessage) as refused:
        decode(json.dumps(message))
    assert refused.value.field == field


@pytest.mark.parametrize("message", EXAMPLES["server"], ids=str)
def test_what_the_server_says_is_as_its_types_write_it(message: dict[str, Any]) -> None:
    assert valid(message)
    found = msgspec.convert(message, FROM_SERVER[message["type"]])
    written = json.loads(encode(found))
    assert {name: value for name, value in written.items() if name in message} == message


@pytest.mark.parametrize("example", EXAMPLES["unreadable"], ids=str)
def test_what_no_server_says_is_none_of_the_messages(example: dict[str, Any]) -> None:
    assert not valid(example["message"])


@pytest.mark.parametrize("example", EXAMPLES["sound"], ids=str)
def test_sound_is_framed_as_written(example: dict[str, Any]) -> None:
    frame = bytes.fromhex(example["hex"])
    samples = np.array(example["samples"], np.int16)
    assert encode_audio(example["stream"], samples) == frame
    stream, back = sound_message(frame)
    assert stream == example["stream"] and back.tolist() == example["samples"]
