"""POST /prefetch, the progress of a list, and its cancellation."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from starlette.testclient import TestClient


def wait_for_end(client: TestClient, id: str) -> dict[str, Any]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"/prefetch/{id}").json()
        if found["state"] != "running":
            return found
        time.sleep(0.01)
    raise AssertionError("it never ends")


@pytest.mark.parametrize("rows", [False, True])
def test_a_list_is_spoken(client: TestClient, rows: bool) -> None:
    lines = [{"text": f"abc {n}", "engine": "tone"} for n in range(3)]
    if rows:
        content = "\n".join(map(json.dumps, lines)) + "\n"
        kind = {"Content-Type": "application/x-ndjson"}
        answer = client.post("/prefetch", content=content, headers=kind)
    else:
        answer = client.post("/prefetch", json={"lines": lines})
    assert (answer.status_code, answer.json()["total"]) == (202, 3)
    found = wait_for_end(client, answer.json()["id"])
    assert (found["total"], found["done"], found["failed"]) == (3, 3, 0)
    for line in lines:
        assert client.post("/lines", json=line).json()["status"] == "hit"


def test_a_list_can_be_cancelled(client: TestClient) -> None:
    lines = [{"text": f"abc {n} " + "abc " * 100, "engine": "tone"} for n in range(200)]
    id = client.post("/prefetch", json={"lines": lines}).json()["id"]
    assert client.delete(f"/prefetch/{id}").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"lines": []}, "0 lines"),
        ({"lines": "abc"}, "lines"),
        ({"lines": ["abc"]}, "line 1"),
        ({"lines": [{"text": "a"}, {"words": "b"}]}, "line 2"),
        ({"lines": [{"text": "a", "format": "wav"}]}, "format"),
        ({"lines": [{"text": "a"}, {"text": "a", "language": "fr"}]}, "line 2: language is 'fr'"),
        ({"lines": [{"text": "a", "engine": "nobody"}]}, "line 1: There is no engine 'nobody'"),
        ({"lines": [{"text": "a", "engine": "gain"}]}, "line 1: The engine 'gain'"),
        ({"lines": [{"text": "a"}, {"text": " "}]}, "line 2: The text holds nothing"),
        ({"lines": [{"text": "a" * 5_001}]}, "line 1: The text has 5001 characters"),
        ({"line": []}, "line"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, body: object, word: str) -> None:
    answer = client.post("/prefetch", json=body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


def test_an_unknown_list(client: TestClient) -> None:
    assert client.get("/prefetch/none").status_code == 404
    assert client.delete("/prefetch/none").status_code == 404
