"""Values are read wherever a client puts them, and in whatever form it writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from realtime.errors import BadRequest
from realtime.web.compat.gpt_sovits.values import (
    choice_of,
    flag_of,
    number_of,
    sent_values,
    text_of,
    whole_of,
)

pytestmark = pytest.mark.anyio

LISTS = {"a": 1, "c": [1], "d": {}}
BOUNDARY = "limit"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--{BOUNDARY}--\r\n'
)


def request(method: str, query: str = "", body: bytes = b"", kind: str = "") -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", kind.encode())] if kind else []
    scope = {"type": "http", "method": method, "path": "/tts", "headers": headers}
    return Request({**scope, "query_string": query.encode()}, receive)


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (b'{"a": 1, "b": null, "c": [1], "d": {}}', "application/json", LISTS),
        (b'{"a": true}', "", {"a": True}),
        (b'{"a": "x"}', "text/plain", {"a": "x"}),
        (b'{"a": 1.5}', "application/x-www-form-urlencoded", {"a": 1.5}),  # as curl -d sends it
        (b"a=1&b=", "application/x-www-form-urlencoded; charset=utf-8", {"a": "1", "b": ""}),
        (MULTIPART.encode(), f"multipart/form-data; boundary={BOUNDARY}", {"a": "1"}),
        (b"  ", "application/json", {}),
        (b"", "", {}),
    ],
)
async def test_a_body_is_read_by_what_it_holds(
    body: bytes, kind: str, found: dict[str, Any]
) -> None:
    assert dict(await sent_values(request("POST", body=body, kind=kind))) == found


async def test_the_body_wins_over_the_query() -> None:
    both = request("POST", "a=1&b=2", b'{"b": 3}')
    assert dict(await sent_values(both)) == {"a": "1", "b": 3}
    assert dict(await sent_values(request("GET", "a=%E5%A5%BD", b'{"a": 3}'))) == {"a": "好"}


@pytest.mark.parametrize("body", [b"[1]", b"text", b'{"a": NaN}', b"\xff"])
async def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        await sent_values(request("POST", body=body, kind="application/json"))
    assert refused.value.code == "invalid_json"


def test_numbers_and_flags_may_be_texts() -> None:
    values = {"n": " 1.5 ", "w": "15", "f": "True", "z": 0, "e": "", "big": str(2**62 + 1)}
    assert number_of(values, "n") == 1.5 and number_of(values, "w") == 15.0
    assert whole_of(values, "w") == 15 and whole_of({"w": "15.0"}, "w") == 15
    assert whole_of(values, "big") == 2**62 + 1 and whole_of({"w": "-1"}, "w") == -1
    assert flag_of(values, "f") is True and flag_of(values, "z") is False
    for read in (number_of, whole_of, flag_of):
        assert read(values, "e") is read(values, "absent") is None
    assert text_of({"t": "x", "n": 5, "e": ""}, "t") == "x"
    assert text_of({"n": 5}, "n") == text_of({"e": ""}, "e") == ""


def test_lists_and_objects_are_ignored() -> None:
    for read in (number_of, whole_of, flag_of):
        assert read(LISTS, "c") is read(LISTS, "d") is None
    assert text_of(LISTS, "c", "x") == "x"


def test_a_choice_of_another_kind_is_none_of_them() -> None:
    assert choice_of({"m": "WAV"}, "m", "ogg") == "wav" and choice_of({}, "m", "ogg") == "ogg"
    assert [choice_of({"m": each}, "m", "ogg") for each in ("", False, [1])] == [
        "",
        "false",
        "a list",
    ]


@pytest.mark.parametrize("value", ["x", "nan", "inf", "1e999", True, 10**400])
def test_what_is_no_number_is_named(value: Any) -> None:
    with pytest.raises(BadRequest, match="top_k is .*; expected is a number"):
        number_of({"top_k": value}, "top_k")


def test_what_is_not_whole_and_what_is_no_flag_is_named() -> None:
    with pytest.raises(BadRequest, match="a whole number"):
        whole_of({"seed": "1.5"}, "seed")
    for value in ("maybe", 2, 0.5):
        with pytest.raises(BadRequest, match="true or false"):
            flag_of({"super_sampling": value}, "super_sampling")


def test_too_many_fields_of_a_form_are_refused(bot: TestClient) -> None:
    fields = {f"field{number}": (None, "x") for number in range(200)}
    answer = bot.post("/tts", files=fields)
    assert answer.status_code == 400 and answer.json()["message"] == "tts failed"
    assert "Exception" in json.loads(answer.content)
