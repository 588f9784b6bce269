"""The server is alive from the start, and ready when it has spoken once."""

from __future__ import annotations

from starlette.testclient import TestClient

from realtime.services import VERSION
from realtime.settings import Settings
from realtime.web.app import create_app
from tests.support.server import scripted_services


def test_ready_comes_with_the_first_spoken_words(web_settings: Settings) -> None:
    services = scripted_services(web_settings)
    client = TestClient(create_app(services))  # not started: nothing is preloaded
    before = client.get("/ready")
    assert (before.status_code, before.json()) == (503, {"ready": False})
    assert before.headers["Retry-After"] == "1"
    assert client.get("/health").json()["model_loaded"] is False
    with client:
        services.warm = True
        after = client.get("/ready")
    assert (after.status_code, after.json()) == (200, {"ready": True})


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
