"""Tests of reading JSON of clients, and of naming in few words what came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import BadRequest
from realtime.json_input import describe_value, parse_object


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "it is empty"),
        ("{", "not valid JSON"),
        ("[1]", "a list"),
        ("null", "null"),
        ('{"t": NaN}', "NaN is no number"),
        (b"\xff", "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_object_is_refused_with_what_came(data: str | bytes, words: str) -> None:
    with pytest.raises(BadRequest, match="^The letter") as caught:
        parse_object(data, "The letter", "{}")
    assert caught.value.code == "invalid_json" and words in caught.value.message


@given(st.one_of(st.text(max_size=100), st.binary(max_size=100)))
def test_nothing_breaks_the_reader(data: str | bytes) -> None:
    try:
        assert isinstance(parse_object(data, "It", "{}"), dict)
    except BadRequest as error:
        assert error.code == "invalid_json"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], "a list"),
        ({"a": 1}, "an object"),
        (None, "null"),
        (True, "true"),
        (10**50, "a number that is too large"),
        ("\ud800\0", r"'\ud800\x00'"),
        (1.5, "1.5"),
    ],
)
def test_a_value_is_shown_in_few_words(value: object, expected: str) -> None:
    assert describe_value(value) == expected
    assert len(describe_value("x" * 10_000)) < 50
