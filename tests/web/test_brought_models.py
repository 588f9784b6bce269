"""Models of one engine over HTTP: each is loaded, placed, moved and told of by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from realtime.services import build
from realtime.settings import ModelsSettings, Settings
from tests.support.documented_client import held_lease
from tests.support.server import local_client
from tests.support.sized_engines import PlacedEngine, SizedModels
from tests.support.torchscript_models import Filter, placed, scripted
from tests.support.uploads import recording, upload
from tests.support.voice_like_sound import pcm, voice


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
        with held_lease(client, lease):
            refused = load(id="tone", device="cuda:0")
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_in_use")
            forced = client.post(
                "/api/models/load", json={"id": "tone", "device": "cuda:0", "force": True}
            )
            assert forced.json()["device"] == "cuda:0"
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
