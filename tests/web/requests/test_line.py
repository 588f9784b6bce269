"""A line in a body: its fields, their defaults, and the form of its recording."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.errors import BadRequest
from realtime.speech.request import LineRequest
from realtime.web.requests.line import read_line_request, read_recording_request


def test_a_text_alone_has_defaults_for_all_else() -> None:
    found = read_recording_request({"text": "Hello."})
    assert found.line_request == read_line_request({"text": "Hello."}) == LineRequest("Hello.")
    assert (found.format.name, found.sample_rate) == ("wav", None)


def test_every_field_arrives() -> None:
    line = {
        "text": "Hello.",
        "character": "af_heart",
        "language": "ja",
        "noaccent": True,
        "longprompt": True,
        "speed": 1.5,
        "seed": 7,
        "engine": "kokoro",
        "options": {"top_k": 5, "cut": "cut0", "temperature": None},
    }
    options = (("cut", "cut0"), ("top_k", 5))
    expected = LineRequest("Hello.", "af_heart", "ja", True, True, 1.5, 7, "kokoro", options)
    assert read_line_request(line) == expected
    found = read_recording_request({**line, "format": "flac", "sample_rate": 16000})
    assert found.line_request == expected
    assert (found.format.name, found.sample_rate) == ("flac", 16000)


@pytest.mark.parametrize("extra", ["format", "sample_rate", "voice"])
def test_a_line_alone_has_no_other_fields(extra: str) -> None:
    with pytest.raises(BadRequest, match=extra) as refused:
        read_line_request({"text": "a", extra: "wav"})
    assert refused.value.code == "unknown_field"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": 3}, "text"),
        ({"text": "a", "format": "wma"}, "format"),
        ({"text": "a", "sample_rate": 12345}, "sample_rate"),
        ({"text": "a", "seed": -1}, "seed"),
        ({"text": "a", "options": [1]}, "options"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_recording_request(body)
    assert refused.value.field == field
