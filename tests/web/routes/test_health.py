"""The server is alive from the start, and ready when its preload has ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from realtime import VERSION
from realtime.acceleration.cuda_health import CUDA_HEALTH
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.tone import Tone
from realtime.settings import Settings
from tests.support.fake_cuda import FakeCuda
from tests.support.scripted_engines import OnGpu
from tests.support.server import local_client, services_with, wait_until_ready

LOST = "CUDA error: an illegal memory access was encountered"


class GatedLoad(Tone):
    """An engine that is loaded when the test opens the gate."""

    name = "gated_load"
    gate = threading.Event()

    def load(self) -> None:
        assert self.gate.wait(20)


def test_ready_comes_with_the_first_spoken_words(settings: Settings) -> None:
    services = services_with(settings, "gated_load", "tone", extra=(GatedLoad,))
    client = local_client(services)
    with client:
        before = client.get("/ready")
        assert before.status_code == 503
        waits_for = ["gated_load", "tone"]
        assert before.json() == {"ready": False, "waits_for": waits_for, "failed": {}}
        assert before.headers["Retry-After"] == "1"
        assert client.get("/health").json()["model_loaded"] is False
        GatedLoad.gate.set()
        assert wait_until_ready(client) == {"ready": True}
        assert client.get("/health").json()["model_loaded"] is True


def test_health_is_three_plain_facts(client: TestClient) -> None:
    client.post("/v1/audio/speech", json={"model": "tone", "input": "a"})
    found = client.get("/health").json()
    assert found["status"] == "healthy" and found["model_loaded"] is True
    assert isinstance(found["gpu_available"], bool)


def test_info_tells_what_runs_where(client: TestClient) -> None:
    client.post("/v1/audio/speech", json={"model": "tone", "input": "a"})
    found = client.get("/api/info").json()
    assert found["version"] == VERSION
    assert found["characters"] == len(client.get("/api/characters").json()["characters"])
    assert "/" not in found["model_path"]
    tone = next(each for each in found["engines"] if each["name"] == "tone")
    assert (tone["kind"], tone["state"], tone["leases"]) == ("speak", "loaded", 0)
    assert {"device", "cuda_available", "gpu_name", "gpu_memory"} <= set(found)


def test_info_tells_where_engines_run_and_what_they_take_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    OnGpu.cuda = FakeCuda(monkeypatch)
    services = services_with(settings, extra=(OnGpu,))
    with local_client(services) as client:
        empty = client.get("/api/info").json()
        assert (empty["device"], empty["gpu_name"]) == ("cuda:0", "Fake GPU"), "it would run there"
        client.post("/api/models/tone/load")
        assert client.get("/api/info").json()["device"] == "cpu", "what is loaded runs here"
        loaded = client.post("/api/models/on_gpu/load").json()
        assert (loaded["device"], loaded["memory_bytes"]) == ("cuda:0", 4 << 30)
        info = client.get("/api/info").json()
        assert info["device"] == "cuda:0"
        devices = {each["name"]: each["device"] for each in info["engines"]}
        assert (devices["tone"], devices["hibari"], devices["on_gpu"]) == ("cpu", "cpu", "cuda:0")
        status = client.get("/api/status").json()["models"]
        (shown,) = [each for each in status if each["name"] == "on_gpu"]
        assert (shown["device"], shown["memory_bytes"]) == ("cuda:0", 4 << 30)
        client.post("/api/models/on_gpu/unload")
        assert client.get("/api/info").json()["device"] == "cpu"


class LosesCuda(Tone):
    """An engine whose GPU is lost while it speaks."""

    name = "loses_cuda"

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        raise RuntimeError(f"{LOST}\nCUDA kernel errors might be reported later.")


def test_a_server_that_lost_cuda_is_not_ready_until_a_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CUDA_HEALTH, "error", None)
    with local_client(services_with(settings, "tone", extra=(LosesCuda,))) as client:
        wait_until_ready(client)
        line = {"model": "loses_cuda", "input": "abc", "voice": "af_heart"}
        assert client.post("/v1/audio/speech", json=line).status_code == 500
        answer = client.get("/ready")
        assert answer.status_code == 503 and answer.json()["ready"] is False
        assert answer.json()["broken"].endswith(LOST)
        assert client.post("/v1/audio/speech", json={**line, "model": "tone"}).status_code == 200
        assert client.get("/ready").status_code == 503, "it stays so"
        assert client.get("/health").status_code == 200
