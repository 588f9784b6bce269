"""Engines are loaded and unloaded by hand, and never while they are in use."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.models.memory_estimate import FACTOR
from realtime.services import build
from realtime.settings import GpuSettings, ModelsSettings, Settings
from realtime.web.routes.models import describe_file
from realtime.weights import WeightFile
from tests.support.documented_client import held_lease, services_of
from tests.support.polling import wait_until
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


@pytest.mark.slow
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


def test_a_model_is_loaded_and_unloaded_by_its_id(client: TestClient) -> None:
    loaded = client.post("/api/models/load", json={"id": "gain"})
    assert loaded.status_code == 200 and loaded.json() == state_of(client, "gain")
    assert (loaded.json()["id"], loaded.json()["engine"]) == ("gain", "gain")
    assert loaded.json()["last_used_ms"] > 0
    unloaded = client.post("/api/models/unload", json={"id": "gain", "force": True}).json()
    assert unloaded["state"] == "unloaded"
    assert unloaded["last_used_ms"] == loaded.json()["last_used_ms"]


def test_what_stays_on_another_device_is_no_unload_in_the_audit(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "yamabiko.audit")
    client.post("/api/models/load", json={"id": "gain"})
    stays = client.post("/api/models/unload", json={"id": "gain@cuda:7"}).json()
    assert (stays["state"], stays["device"]) == ("loaded", "cpu")
    assert client.post("/api/models/unload", json={"id": "gain@cpu"}).json()["state"] == "unloaded"
    said = [each.getMessage().split()[:2] for each in caplog.records]
    assert [words for words in said if words[1:] == ["model=gain"]] == [
        ["loaded", "model=gain"],
        ["unloaded", "model=gain"],
    ]


@pytest.mark.parametrize("action", ["load", "unload"])
def test_an_id_must_be_known(client: TestClient, action: str) -> None:
    refused = client.post(f"/api/models/{action}", json={"id": "bell"})
    assert refused.status_code == 404 and refused.json()["error"]["code"] == "model_not_found"
    assert "hibari" in refused.json()["error"]["message"]
    assert client.post(f"/api/models/{action}", json={}).status_code == 400
    assert client.post(f"/api/models/{action}", json={"id": "gain", "now": 1}).status_code == 400


def test_all_are_unloaded_and_who_stays_is_told(client: TestClient) -> None:
    client.post("/api/models/load", json={"id": "gain"})
    services = services_of(client)
    lease = services.models.synthesizer("tone").lease("a listener")
    with held_lease(client, lease):
        outcomes = client.post("/api/models/unload-all", json={}).json()
    assert outcomes["gain"] is True and "used by a listener" in outcomes["tone"]
    assert state_of(client, "gain")["state"] == "unloaded"
    assert state_of(client, "tone")["state"] == "loaded"


def test_events_are_listed_the_newest_first(client: TestClient) -> None:
    client.post("/api/models/gain/load")
    client.post("/api/models/gain/unload")
    found = client.get("/api/models/events?last=3").json()["events"]
    assert [(each["event"], each["id"]) for each in found] == [
        ("unloaded", "gain"),
        ("completed", "gain"),
        ("started", "gain"),
    ]
    assert found[0]["reason"] == "asked for" and found[0]["time_ms"] >= found[1]["time_ms"]
    assert client.get("/api/models/events?last=0").status_code == 400


def test_an_idle_model_is_unloaded_by_itself(settings: Settings) -> None:
    quick = GpuSettings(idle_timeout_minutes=0.01, memory_monitoring_interval=0.25)
    with local_client(build(replace(settings, gpu=quick))) as client:
        assert 0 < client.post("/api/models/gain/load").json()["unloads_in_s"] <= 1
        assert state_of(client, "tone")["unloads_in_s"] is None, "preload names it"
        wait_until(lambda: state_of(client, "gain")["state"] == "unloaded")
        events = client.get("/api/models/events").json()["events"]
        newest = next(each for each in events if each["id"] == "gain")  # the preload may go on
        assert newest["reason"] == "idle"
        assert state_of(client, "tone")["state"] == "loaded"


def test_idle_models_stay_where_nothing_is_cleaned(settings: Settings) -> None:
    kept = GpuSettings(
        auto_cleanup_enabled=False, idle_timeout_minutes=0.01, memory_monitoring_interval=0.25
    )
    with local_client(build(replace(settings, gpu=kept))) as client:
        assert client.post("/api/models/gain/load").json()["unloads_in_s"] is None


def test_optimising_unloads_what_nobody_uses(client: TestClient) -> None:
    client.post("/api/models/gain/load")
    found = client.post("/api/memory/optimize").json()
    assert "gain" in found["unloaded"] and found["freed_bytes"] >= 0 and found["took_ms"] > 0
    assert state_of(client, "gain")["state"] == "unloaded"
