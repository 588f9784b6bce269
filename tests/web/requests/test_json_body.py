"""Bodies are JSON objects and say so; anything else is refused by its own status."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    "named",
    ["application/json", "Application/JSON; charset=utf-8", "application/vnd.voice+json"],
)
def test_json_by_its_names_is_read(client: TestClient, named: str) -> None:
    body = '{"model": "tone", "input": "a"}'
    answer = client.post("/v1/audio/speech", content=body, headers={"Content-Type": named})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "named", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"]
)
def test_other_types_are_415(client: TestClient, named: str) -> None:
    answer = client.post("/v1/audio/speech", content="{}", headers={"Content-Type": named})
    assert answer.status_code == 415
    error = answer.json()["error"]
    assert error["code"] == "wrong_content_type"
    assert named in error["message"] and "application/json" in error["message"]


def test_no_type_is_415(client: TestClient) -> None:
    answer = client.post("/v1/audio/speech", content=b"{}")
    assert answer.status_code == 415
    assert "missing" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"a"', b"\xff\xfe", b'{"a": 1,}'])
def test_what_is_no_object_is_400(client: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/audio/speech", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"
