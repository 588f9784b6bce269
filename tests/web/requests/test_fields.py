"""Fields are read by name and refused with what came and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import BadRequest
from realtime.json_input import describe_value
from realtime.web.requests.fields import Fields, object_in


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b"{", "not valid JSON"),
        (b"[1]", "a list"),
        (b'"text"', "a text"),
        (b"null", "null"),
        (b"true", "a boolean"),
        (b"3", "a number"),
        (b'{"speed": NaN}', "NaN is no number"),
        (b'{"speed": -Infinity}', "-Infinity is no number"),
        (b'{"input": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"seed": ' + b"9" * 5_000 + b"}", "not valid JSON"),
    ],
)
def test_a_body_that_is_no_object_is_refused_with_what_came(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match="JSON") as caught:
        object_in(body)
    assert words in caught.value.message


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    try:
        assert isinstance(object_in(body), dict)
    except BadRequest as error:
        assert error.code == "invalid_json"


def test_what_is_absent_or_null_has_its_default() -> None:
    for values in ({}, dict.fromkeys(("a", "b", "c", "d", "e", "f"))):
        fields = Fields(values)
        assert fields.text("a") is None
        assert fields.flag("b") is False and fields.flag("b", default=True) is True
        assert fields.number("c", 0, 1) is None
        assert fields.whole("d", 0, 1) is None
        assert fields.one_of("e", ("x", "y"), "y") == "y"
        assert fields.number_of("f", (1, 2)) is None
        assert fields.name_or_id("f") is None


def test_good_values_come_through() -> None:
    fields = Fields({"text": "é", "flag": True, "n": 2, "one": "x", "named": {"id": "n"}})
    assert fields.needed_text("text") == "é"
    assert fields.flag("flag") is True
    assert fields.number("n", 0.25, 4) == 2.0
    assert fields.whole("n", 0, 2) == 2
    assert str(Fields({"n": 2.0}).whole("n", 0, 2)) == "2"  # JSON has one kind of numbers
    assert fields.number_of("n", (2, 3)) == 2
    assert fields.one_of("one", ("x",), "y") == "x"
    assert fields.name_or_id("named") == "n" and fields.name_or_id("one") == "x"


READERS = {
    "text": lambda fields: fields.text("it"),
    "flag": lambda fields: fields.flag("it"),
    "number": lambda fields: fields.number("it", 0.25, 4),
    "whole": lambda fields: fields.whole("it", 0, 9),
    "one_of": lambda fields: fields.one_of("it", ("x", "y"), "x"),
    "number_of": lambda fields: fields.number_of("it", (8000, 16000)),
    "name_or_id": lambda fields: fields.name_or_id("it"),
}


@pytest.mark.parametrize(
    ("reader", "value", "words"),
    [
        ("text", 3, "a text"),
        ("text", ["a"], "a list"),
        ("flag", 1, "true or false"),
        ("flag", "true", "true or false"),
        ("number", True, "0.25 to 4"),
        ("number", "1", "0.25 to 4"),
        ("number", 0.2, "0.2"),
        ("number", 4.01, "0.25 to 4"),
        ("number", float("nan"), "nan"),
        ("number", 10**400, "too large"),
        ("whole", 1.5, "a whole number"),
        ("whole", False, "false"),
        ("whole", -1, "0 to 9"),
        ("whole", 10, "0 to 9"),
        ("one_of", "z", "x, y"),
        ("one_of", 3, "a text"),
        ("number_of", 8001, "8000, 16000"),
        ("number_of", True, "true"),
        ("name_or_id", 3, "a name"),
        ("name_or_id", {"id": 3}, "a name"),
        ("name_or_id", {}, "an object"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(reader: str, value: Any, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        READERS[reader](Fields({"it": value}))
    assert caught.value.field == "it"
    assert caught.value.message.startswith("it is ")
    assert words in caught.value.message


def test_a_missing_text_is_named() -> None:
    with pytest.raises(BadRequest, match="input is missing"):
        Fields({}).needed_text("input")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_messages_stay_short_and_can_be_sent(value: Any) -> None:
    assert len(describe_value(value)) <= 60
    json.dumps(describe_value(value))
