"""Models and memory can be followed: what happens comes while it happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from realtime.services import build
from realtime.settings import GpuSettings, Settings
from realtime.web.routes import events
from tests.support.fake_devices import FakeDevices
from tests.support.polling import wait_until
from tests.support.server import LiveServer, serving


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    return FakeDevices().install(monkeypatch)


@pytest.fixture
def live(settings: Settings, devices: FakeDevices) -> Iterator[LiveServer]:
    watched = replace(settings, gpu=GpuSettings(memory_monitoring_interval=0.25))
    with serving(build(watched)) as live:
        yield live


class Following:
    """A client that follows the events of a server."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(timeout=20)
        self._answer = self._client.stream("GET", f"{url}/api/events")
        self.response = self._answer.__enter__()
        self._lines = self.response.iter_lines()

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *error: object) -> None:
        self._answer.__exit__(None, None, None)
        self._client.close()

    def next(self, wanted: str) -> dict[str, Any]:
        """Read on until an event of a kind comes."""
        for line in self._lines:
            if line == f"event: {wanted}":
                found: dict[str, Any] = json.loads(next(self._lines).removeprefix("data: "))
                return found
        raise AssertionError("the events ended")

    def next_of(self, id: str) -> str:
        """Read on until an event of a model comes: the preload has events of its own."""
        while (found := self.next("model"))["id"] != id:
            pass
        return str(found["event"])

    def rest(self) -> list[str]:
        return list(self._lines)


def test_loads_are_told(live: LiveServer) -> None:
    with Following(live.url) as following:
        assert following.response.headers["content-type"].startswith("text/event-stream")
        assert following.next("memory")["system"]["percent"] == 25.0
        httpx2.post(f"{live.url}/api/models/load", json={"id": "gain"}).raise_for_status()
        assert [following.next_of("gain") for _ in range(3)] == [
            "requested",
            "started",
            "completed",
        ]
        httpx2.post(f"{live.url}/api/models/unload", json={"id": "gain"}).raise_for_status()
        assert following.next_of("gain") == "unloaded"


def test_memory_and_alerts_are_told(live: LiveServer, devices: FakeDevices) -> None:
    with Following(live.url) as following:
        following.next("memory")
        devices.used["cuda:0"] = 8
        alert = following.next("alert")
        assert (alert["device"], alert["level"]) == ("cuda:0", "critical")


def test_they_end_after_the_seconds_that_were_asked_for(live: LiveServer) -> None:
    found = httpx2.get(f"{live.url}/api/events?seconds=0.1", timeout=20)
    assert found.status_code == 200 and found.text.startswith("event: memory\n")
    assert httpx2.get(f"{live.url}/api/events?seconds=-1").status_code == 400


def test_a_quiet_server_sends_comments(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, devices: FakeDevices
) -> None:
    monkeypatch.setattr(events, "QUIET_SECONDS", 0.02)
    with Following(live.url) as following:
        assert any(line == ": still here" for line in following._lines)


def test_the_end_of_the_server_ends_them(settings: Settings, devices: FakeDevices) -> None:
    with serving(build(replace(settings, shutdown_seconds=60.0))) as live:
        following = Following(live.url)
        following.next("memory")
        ended = threading.Event()
        reading = threading.Thread(target=lambda: (following.rest(), ended.set()))
        reading.start()
    assert ended.wait(20), "a follower must not hold up the end"
    reading.join()
    following.__exit__()


def test_a_client_that_leaves_is_forgotten(live: LiveServer) -> None:
    with Following(live.url) as following:
        following.next("memory")
        assert live.get("/api/status")["sockets"]["open"] == 1
    wait_until(lambda: live.get("/api/status")["sockets"]["open"] == 0)
