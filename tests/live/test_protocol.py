"""Tests of the protocol: messages are read or refused, and the schema and the page agree."""

from __future__ import annotations

import json
import re
import typing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import BadMessage
from realtime.live.messages import (
    Cancel,
    Clear,
    Error,
    FromServer,
    Listen,
    ListenEnd,
    Ping,
    Pong,
    Say,
    Text,
)
from realtime.live.protocol import KINDS, decode, encode, encode_audio, microphone_samples, schema
from tests.support.session_client import sound_message

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def said(**fields: Any) -> str:
    return json.dumps({"type": "say", "id": "a", "text": "Hi.", **fields})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (said(), Say(id="a", text="Hi.")),
        (said(speed=2, seed=2**63 - 1), Say(id="a", text="Hi.", speed=2.0, seed=2**63 - 1)),
        (said(character=None, speed=None, seed=None), Say(id="a", text="Hi.")),
        ('{"type": "say", "id": "a", "more": true}', Say(id="a", more=True)),
        (said(text="\ud800\0"), Say(id="a", text="\ud800\0")),
        (b'{"type": "text", "id": "\xc3\xa9", "text": ""}', Text(id="é", text="")),
        ('{"type": "cancel", "id": "' + "i" * 64 + '"}', Cancel(id="i" * 64)),
        ('{"type": "clear"}', Clear()),
        ('{"type": "ping"}', Ping()),
        ('{"type": "ping", "t": 7}', Ping(t=7)),
        ('{"type": "ping", "t": 7.5}', Ping(t=7.5)),
        ('{"type": "ping", "t": "x"}', Ping(t="x")),
        ('{"type": "listen", "id": "m", "pitch": -24}', Listen(id="m", pitch=-24.0)),
        ('{"type": "listen.end", "id": "m"}', ListenEnd(id="m")),
    ],
)
def test_messages_are_read(data: str | bytes, message: object) -> None:
    assert decode(data) == message


@pytest.mark.parametrize(
    ("data", "id", "code", "field", "words"),
    [
        ("{", None, "invalid_json", None, "The message is not valid JSON"),
        (b"\xff", None, "invalid_json", None, "not UTF-8"),
        ('"say"', None, "invalid_json", None, "a text; a JSON object is expected"),
        ("{}", None, "unknown_type", "type", "type is null; there are: say, text"),
        ('{"type": "sing", "id": "a"}', "a", "unknown_type", "type", "type is 'sing'"),
        ('{"type": [], "id": 5}', None, "unknown_type", "type", "type is a list"),
        (said(id=5), None, "bad_request", "id", "id is 5; expected is a text of 1 to 64"),
        (said(id=""), None, "bad_request", "id", "id is ''"),
        (said(id="i" * 65), None, "bad_request", "id", "1 to 64 characters"),
        (said(id="a\0"), None, "bad_request", "id", r"id is 'a\x00'"),
        (said(id="\ud800"), None, "bad_request", "id", r"id is '\ud800'"),
        ('{"type": "say", "text": "a"}', None, "bad_request", "id", "id is missing"),
        ('{"type": "say", "id": "a"}', "a", "bad_request", "text", "text is missing; a text"),
        (said(text=5), "a", "bad_request", "text", "text is 5; expected is a text."),
        (
            said(voice="x"),
            "a",
            "unknown_field",
            "voice",
            "There is no field 'voice'; there are: id",
        ),
        (said(speed=0.1), "a", "bad_request", "speed", "a number from 0.25 to 4"),
        (said(speed=10**400), "a", "bad_request", "speed", "a number that is too large"),
        (said(speed=True), "a", "bad_request", "speed", "speed is true"),
        (said(seed=1.5), "a", "bad_request", "seed", "a whole number from 0 to"),
        (said(seed=2**63), "a", "bad_request", "seed", "a whole number from 0 to"),
        (said(more="yes"), "a", "bad_request", "more", "expected is true or false"),
        (said(sample_rate=11025), "a", "bad_request", "sample_rate", "one of 8000, 16000, 22050"),
        ('{"type": "ping", "t": []}', None, "bad_request", "t", "a number, or a text of up to 64"),
        ('{"type": "ping", "t": 1' + "0" * 30 + "}", None, "bad_request", "t", "a number"),
        ('{"type": "listen", "id": "m", "gate": 1}', "m", "bad_request", "gate", "-90 to 0"),
        ('{"type": "listen", "id": "m", "effect": "x"}', "m", "bad_request", "effect", "robot"),
        ('{"type": "clear", "x": 1}', None, "unknown_field", "x", "there are: none"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_field(
    data: str | bytes, id: str | None, code: str, field: str | None, words: str
) -> None:
    with pytest.raises(BadMessage) as refused:
        decode(data)
    error = refused.value
    assert (error.id, error.code, error.field) == (id, code, field)
    assert words in error.message and "$" not in error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = sorted({name for kind in KINDS.values() for name in kind.__struct_fields__})
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from([*KINDS, "sing"])},
    optional={name: JSON | st.just("a") | st.integers(0, 3) for name in NAMES},
)


@given(MESSAGES | JSON)
def test_whatever_comes_is_a_message_or_a_typed_error(value: object) -> None:
    try:
        found = decode(json.dumps(value))
    except BadMessage as error:
        assert error.message and error.code
    else:
        assert type(found) in KINDS.values()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_typed_error(data: bytes) -> None:
    for came in (data, data.decode("utf-8", "replace")):
        try:
            decode(came)
        except BadMessage as error:
            assert error.message


def test_what_the_server_says_is_json_with_its_type() -> None:
    assert json.loads(encode(Pong(7, 5))) == {"type": "pong", "t": 7, "time_ms": 5}
    assert "id" not in json.loads(encode(Error("busy", "No.")))
    assert json.loads(encode(Error("busy", "No.", id="a")))["id"] == "a"


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-32768, 32767), max_size=50))
def test_sound_comes_back_as_it_was(stream: int, samples: list[int]) -> None:
    pcm = np.array(samples, np.int16)
    data = encode_audio(stream, pcm)
    assert data[:4] == stream.to_bytes(4, "little") and len(data) == 4 + 2 * len(samples)
    found, back = sound_message(data)
    assert found == stream and np.array_equal(back, pcm)


def test_sound_of_a_microphone_has_no_number() -> None:
    assert microphone_samples(b"\x01\x00\xff\xff").tolist() == [1, -1]
    with pytest.raises(BadMessage, match="3 bytes are no whole samples"):
        microphone_samples(b"abc")


def test_the_schema_is_what_the_types_say() -> None:
    written = (ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == schema(), "run python -m tools.schema"
    known = schema()["$defs"]
    assert known["Say"]["properties"]["speed"]["anyOf"][0]["maximum"] == 4
    assert known["Say"]["additionalProperties"] is False


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_messages_on_the_page_are_messages() -> None:
    found = [line for block in examples("json") for line in block.splitlines() if line.strip()]
    kinds = {json.loads(line)["type"] for line in found}
    server = {kind.__struct_config__.tag: kind for kind in typing.get_args(FromServer)}
    assert kinds == {*KINDS, *server}, "each message has an example"
    for line in found:
        check(line, server)


def test_the_conversation_on_the_page_is_one() -> None:
    (talk,) = examples("text")
    server = {kind.__struct_config__.tag: kind for kind in typing.get_args(FromServer)}
    lines = [line for line in talk.splitlines() if line[2:3] == "{"]
    assert len(lines) > 15
    for line in lines:
        if line.startswith("→ "):
            decode(line[2:])
        else:
            check(line[2:], server)


def check(line: str, server: dict[str, Any]) -> None:
    kind = json.loads(line)["type"]
    if kind in KINDS:
        decode(line)
    else:
        found = msgspec.json.decode(line, type=server[kind])
        assert json.loads(line).keys() <= json.loads(encode(found)).keys(), line


def test_the_page_names_every_field() -> None:
    for kind in (*KINDS.values(), *typing.get_args(FromServer)):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in PAGE, f"{kind.__name__}.{name}"
