"""Engines are loaded and unloaded by hand, and never while they are in use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from realtime.models.memory_estimate import FACTOR
from realtime.services import build
from realtime.settings import GpuSettings, ModelsSettings, Settings
from realtime.web.routes.models import describe_file
from realtime.weights import WeightFile
from tests.support.polling import wait_until
from tests.support.server import LiveServer, local_client, services_with
from tests.support.sized_engines import PlacedEngine, SizedModels
from tests.support.torchscript_models import Filter, placed, scripted
from tests.support.uploads import recording, upload
from tests.support.voice_like_sound import pcm, voice


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


def test_a_model_is_loaded_and_unloaded_by_its_id(client: TestClient) -> None:
    loaded = client.post("/api/models/load", json={"id": "gain"})
    assert loaded.status_code == 200 and loaded.json() == state_of(client, "gain")
    assert (loaded.json()["id"], loaded.json()["engine"]) == ("gain", "gain")
    assert loaded.json()["last_used_ms"] > 0
    unloaded = client.post("/api/models/unload", json={"id": "gain", "force": True}).json()
    assert unloaded["state"] == "unloaded"
    assert unloaded["last_used_ms"] == loaded.json()["last_used_ms"]


@pytest.mark.parametrize("action", ["load", "unload"])
def test_an_id_must_be_known(client: TestClient, action: str) -> None:
    refused = client.post(f"/api/models/{action}", json={"id": "bell"})
    assert refused.status_code == 404 and refused.json()["error"]["code"] == "model_not_found"
    assert "hibari" in refused.json()["error"]["message"]
    assert client.post(f"/api/models/{action}", json={}).status_code == 400
    assert client.post(f"/api/models/{action}", json={"id": "gain", "now": 1}).status_code == 400


def test_all_are_unloaded_and_who_stays_is_told(client: TestClient) -> None:
    client.post("/api/models/load", json={"id": "gain"})
    services = client.app.state.services  # type: ignore[attr-defined]
    lease = services.models.synthesizer("tone").lease("a listener")
    client.portal.call(lease.__aenter__)  # type: ignore[union-attr]
    outcomes = client.post("/api/models/unload-all", json={}).json()
    client.portal.call(lease.__aexit__, None, None, None)  # type: ignore[union-attr]
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
        assert client.get("/api/models/events?last=1").json()["events"][0]["reason"] == "idle"
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


@pytest.fixture
def brought(settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """Serve two models of `torchscript`; a third one's file is no model."""
    for name in ("low", "lower"):
        scripted(tmp_path, name, Filter())
    placed(tmp_path, "broken", "pt", {}).write_bytes(b"no archive")
    with local_client(build(replace(settings, models=ModelsSettings(path=tmp_path)))) as client:
        yield client


def model(client: TestClient, id: str) -> dict[str, Any]:
    models = client.get("/api/models").json()["models"]
    found: dict[str, Any] = next(each for each in models if each["id"] == id)
    return found


def test_each_model_of_an_engine_is_loaded_by_itself(brought: TestClient) -> None:
    loaded = brought.post("/api/models/load", json={"id": "torchscript:low"}).json()
    assert (loaded["id"], loaded["name"], loaded["engine"], loaded["state"]) == (
        *("torchscript:low", "low", "torchscript", "loaded"),
    )
    assert [file["name"] for file in loaded["files"]] == ["low/model.pt"]
    assert model(brought, "torchscript:lower")["state"] == "unloaded"
    parts = {"engine": "torchscript", "name": "lower"}
    assert brought.post("/api/models/load", json=parts).json()["state"] == "loaded"
    by_path = brought.post("/api/models/torchscript:low/unload").json()
    assert by_path["state"] == "unloaded"
    assert model(brought, "torchscript:lower")["state"] == "loaded"


def test_a_broken_model_is_told_and_spoils_no_other(brought: TestClient) -> None:
    broken = model(brought, "torchscript:broken")
    assert not broken["can_run"] and broken["obstacles"][0]["code"] == "file_wrong"
    refused = brought.post("/api/models/load", json={"id": "torchscript:broken"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_model")
    assert brought.post("/api/models/torchscript:low/load").status_code == 200


def test_one_of_several_must_be_named(brought: TestClient, tmp_path: Path) -> None:
    for answer in (
        brought.post("/api/models/torchscript/load"),
        brought.post("/api/models/load", json={"id": "torchscript"}),
        brought.post("/api/models/unload", json={"engine": "torchscript"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_model")
        assert "there are: broken, low, lower" in answer.json()["error"]["message"]
    for name in ("broken", "lower"):
        shutil.rmtree(tmp_path / "torchscript" / name)
    assert brought.post("/api/models/torchscript/load").json()["id"] == "torchscript:low"


def test_models_come_and_go_while_the_server_runs(brought: TestClient, tmp_path: Path) -> None:
    scripted(tmp_path, "new", Filter())
    assert model(brought, "torchscript:new")["state"] == "unloaded"
    shutil.rmtree(tmp_path / "torchscript")
    ids = [each["id"] for each in brought.get("/api/models").json()["models"]]
    assert "torchscript" in ids and "torchscript:new" not in ids
    gone = brought.post("/api/models/load", json={"id": "torchscript:new"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "model_not_found")
    answer = brought.post("/api/models/torchscript/load")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "weights_missing")


@pytest.mark.parametrize(
    "body", [{}, {"name": "low"}, {"id": "torchscript:low", "engine": "torchscript"}]
)
def test_a_model_is_named_in_one_way(brought: TestClient, body: dict[str, str]) -> None:
    assert brought.post("/api/models/load", json=body).status_code == 400


@pytest.mark.parametrize(
    ("engine", "name", "status"),
    [
        ("torchscript", "low", 200),
        ("torchscript:low", "", 200),
        ("torchscript:low", "low", 200),
        ("torchscript:low", "lower", 400),
        ("torchscript", "", 400),
        ("torchscript:bell", "", 400),
    ],
)
def test_a_recording_is_converted_by_the_model_that_is_named(
    brought: TestClient, engine: str, name: str, status: int
) -> None:
    sound = recording(pcm(voice(0.3, rate=16_000)), 16_000)
    answer = upload(brought, ("voice.wav", sound), engine=engine, model=name)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert model(brought, "torchscript:low")["state"] == "loaded"
        assert model(brought, "torchscript:lower")["state"] == "unloaded"
    else:
        assert answer.json()["error"]["code"] == "unknown_model"


def test_a_model_is_placed_and_moved(settings: Settings, tmp_path: Path) -> None:
    sized = SizedModels(tmp_path, {"tone": 1}, "auto", PlacedEngine)
    services = build(replace(settings, preload=()), sized.models)
    with local_client(services) as client:

        def load(**body: str) -> Any:
            return client.post("/api/models/load", json=body)

        assert load(id="tone").json()["device"] == "cuda:0"
        assert load(id="tone", device="cpu").json()["device"] == "cpu"
        assert load(id="tone", device="auto").json()["device"] == "cpu", "it is loaded there"
        assert load(id="tone@cuda").json()["device"] == "cuda:0"
        assert client.post("/api/models/tone@cpu/load").json()["device"] == "cpu"
        kept = client.post("/api/models/unload", json={"id": "tone@cuda:0"}).json()
        assert (kept["state"], kept["device"]) == ("loaded", "cpu"), "it is not on that one"
        refused = load(id="tone", device="cuda:7")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unknown_device")
        assert "there are: cpu, cuda:0" in refused.json()["error"]["message"]
        lease = services.models.synthesizer("tone").lease("a listener")
        client.portal.call(lease.__aenter__)  # type: ignore[union-attr]
        refused = load(id="tone", device="cuda:0")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_in_use")
        forced = client.post(
            "/api/models/load", json={"id": "tone", "device": "cuda:0", "force": True}
        )
        assert forced.json()["device"] == "cuda:0"
        client.portal.call(lease.__aexit__, None, None, None)  # type: ignore[union-attr]
        assert client.post("/api/models/unload", json={"id": "tone@cuda"}).json()["state"] == (
            "unloaded"
        )


def test_a_model_without_room_on_its_gpu_says_where_it_went(
    settings: Settings, tmp_path: Path
) -> None:
    sized = SizedModels(tmp_path, {"tone": 1}, "auto", PlacedEngine)
    engine = cast("PlacedEngine", sized.engines["tone"])
    engine.failures["cuda:0"] = [MemoryError("full"), MemoryError("full")]
    with local_client(build(replace(settings, preload=()), sized.models)) as client:
        assert client.post("/api/models/tone/load").json()["device"] == "cpu"
        newest = client.get("/api/models/events?last=1").json()["events"][0]
        assert (newest["event"], newest["device"]) == ("completed", "cpu")
        assert newest["reason"] == "cuda:0: full"
