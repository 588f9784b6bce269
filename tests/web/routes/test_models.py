"""Engines are loaded and unloaded by hand, and never while they are in use."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.models.memory_estimate import FACTOR
from realtime.settings import ModelsSettings, Settings
from realtime.web.routes.models import describe_file
from realtime.weights import WeightFile
from tests.support.server import LiveServer, local_client, services_with


def state_of(client: TestClient, name: str) -> dict[str, Any]:
    models = client.get("/api/models").json()["models"]
    found: dict[str, Any] = next(each for each in models if each["name"] == name)
    return found


def test_an_engine_is_loaded_and_unloaded(client: TestClient) -> None:
    loaded = client.post("/api/models/gain/load")
    assert loaded.status_code == 200
    assert loaded.json() == state_of(client, "gain")
    assert (loaded.json()["state"], loaded.json()["kind"]) == ("loaded", "convert")
    assert loaded.json()["memory_bytes"] >= 0 and loaded.json()["load_ms"] >= 0
    unloaded = client.post("/api/models/gain/unload").json()
    assert (unloaded["state"], unloaded["memory_bytes"], unloaded["load_ms"]) == (
        "unloaded",
        None,
        None,
    )
    assert client.post("/api/models/gain/unload").status_code == 200, "twice is no fault"


def test_a_load_tells_what_the_next_one_will_take(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = count(step=50 << 20)
    monkeypatch.setattr("realtime.models.load_memory.resident_bytes", lambda: next(grown))
    own = replace(settings, models=ModelsSettings(path=tmp_path))
    with local_client(services_with(own)) as client:
        before = state_of(client, "hibari")
        assert before["estimated_bytes"] == FACTOR * before["files"][0]["bytes"]
        loaded = client.post("/api/models/hibari/load").json()
        assert loaded["memory_bytes"] == loaded["estimated_bytes"] == 50 << 20
    with local_client(services_with(own)) as client:
        assert state_of(client, "hibari")["estimated_bytes"] == 50 << 20


def test_an_engine_tells_its_files_and_how_to_get_them(client: TestClient) -> None:
    files = state_of(client, "kokoro")["files"]
    assert files and all(file["available"] and file["how"] is None for file in files)
    assert sum(file["bytes"] for file in files) > 1_000_000


def test_a_file_that_is_missing_says_how_to_get_it(settings: Settings) -> None:
    file = WeightFile("bell", "bell.pt", packaged=("bell_weights/bell.pt",))
    found = describe_file(file, settings)
    assert (found.available, found.bytes) == (False, None)
    assert "bell/bell.pt" in str(found.how) and "run `make serve`" in str(found.how)


def test_an_unknown_engine_is_named(client: TestClient) -> None:
    for path in ("/api/models/nobody/load", "/api/models/nobody/unload"):
        answer = client.post(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "model_not_found"
        assert "hibari" in answer.json()["error"]["message"]


def test_who_uses_an_engine_keeps_it(live: LiveServer) -> None:
    assert post(live, "load")[0] == 200
    line = {"text": "abc", "engine": "gated", "character": "af_heart"}
    key = live.post("/lines", line)["key"]
    assert live.gated.waiting.wait(10)
    status, body = post(live, "unload")
    assert status == 409, body
    assert "model_in_use" in body and "a line of af_heart" in body
    live.gated.gate.set()
    assert live.wait_until_idle()
    assert live.get(f"/lines/{key}")["state"] == "finished"
    assert post(live, "unload")[0] == 200


def post(live: LiveServer, what: str) -> tuple[int, str]:
    answer = live.answer("POST", f"/api/models/gated/{what}")
    return answer.status, answer.read().decode()
