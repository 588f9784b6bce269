"""Engines are warmed up once the server is ready; every listener goes first."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.tone import Tone
from realtime.errors import SettingsError, WeightsMissing
from realtime.services import Services
from realtime.settings import Settings
from realtime.warm_up.warm_up import QUIET_SECONDS
from tests.support.scripted_engines import chunk
from tests.support.server import JSON, LiveServer, services_with, serving

PATIENCE_SECONDS = 60.0


class Watched(Tone):
    """An engine that notes what happens to it, and waits at the gates that a test has closed."""

    def __init__(self, settings: Settings) -> None:
        self.loads = 0
        self.users: Callable[[], list[str]] = list  # of all engines
        self.used_at_load: list[str] = []
        self.loaded_at = self.spoken_at = 0.0
        self.spoken: list[str] = []  # languages, each once it was spoken to the end
        self.cancelled = 0
        self.loading, self.speaking = threading.Event(), threading.Event()
        self.may_load, self.may_speak = threading.Event(), threading.Event()
        self.may_load.set()
        self.may_speak.set()

    def load(self) -> None:
        self.loads += 1
        self.used_at_load, self.loaded_at = self.users(), time.monotonic()
        self.loading.set()
        assert self.may_load.wait(PATIENCE_SECONDS)

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        cancel.interrupt_with(self.may_speak.set)
        self.speaking.set()
        assert self.may_speak.wait(PATIENCE_SECONDS)
        cancel.interrupt_with(None)
        self.cancelled += cancel.is_set()
        cancel.check()
        self.spoken_at = time.monotonic()
        yield chunk(0.25)
        self.spoken.append(utterance.segments[0].language)


class First(Watched):
    name = "first"


class Second(Watched):
    name = "second"


class Broken(Tone):
    name = "broken_load"

    def load(self) -> None:
        raise WeightsMissing("Its file is gone.")


class Third(Watched):
    name = "third"


class Watching:
    """A server's services with watched engines."""

    def __init__(self, settings: Settings, warm: tuple[str, ...], *preload: str) -> None:
        self.services: Services = services_with(
            replace(settings, warm=warm), *preload, extra=(First, Second, Third, Broken)
        )
        engines: Any = [self.services.models.engine(name) for name in ("first", "second", "third")]
        self.first: Watched = engines[0]
        self.second: Watched = engines[1]
        self.third: Watched = engines[2]
        for engine in engines:
            engine.users = self.services.models.users


def state_of(live: LiveServer, name: str) -> dict[str, Any]:
    models = live.get("/api/status")["models"]
    found: dict[str, Any] = next(each for each in models if each["name"] == name)
    return found


def wait_for(live: LiveServer, name: str, state: str) -> dict[str, Any]:
    """Return the warm-up of an engine when it has come to a state."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, Any] = state_of(live, name)["warm_up"] or {}
        if found.get("state") == state:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.005)


def say(live: LiveServer, engine: str) -> bytes:
    """Hear a short line, spoken afresh."""
    body = {"model": engine, "input": "a", "response_format": "pcm", "language": "en"}
    headers = {**JSON, "Cache-Control": "no-store"}
    request = urllib.request.Request(
        f"{live.url}/v1/audio/speech", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        heard: bytes = answer.read()
    return heard


def test_each_engine_is_loaded_and_speaks_in_each_language(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    watching = Watching(settings, ("first", "second"), "tone")
    with serving(watching.services) as live:
        for name in ("first", "second"):
            found = wait_for(live, name, "ready")
            assert found["languages"] == ["en", "ja", "zh"] and found["seconds"] >= 0
        assert watching.first.spoken == watching.second.spoken == ["en", "ja", "zh"]
        assert live.get("/api/status")["cache"]["miss"] == 0, "nothing of it is kept or counted"
        assert live.answer("POST", "/api/models/first/unload").status == 200
        assert state_of(live, "first")["warm_up"] is None, "it is not ready any more"
    told = [record.getMessage() for record in caplog.records]
    assert "warm-up in the background: first, second; left out: none" in told
    assert any(line.startswith("warm-up: second en ja zh is ready after") for line in told)


def test_off_loads_nothing(settings: Settings) -> None:
    watching = Watching(settings, ("off",), "first")
    with serving(watching.services) as live:
        assert say(live, "first") and state_of(live, "kokoro")["warm_up"] is None
    assert watching.first.spoken == ["en", "en"], "in the preload, and for the listener"
    assert watching.second.loads == 0


def test_one_that_fails_stops_no_other(settings: Settings) -> None:
    with serving(Watching(settings, ("broken_load", "first"), "tone").services) as live:
        wait_for(live, "first", "ready")
        failed = state_of(live, "broken_load")["warm_up"]
        assert (failed["state"], failed["reason"]) == ("failed", "Its file is gone.")


def test_what_has_spoken_before_does_not_speak_again(settings: Settings) -> None:
    watching = Watching(settings, ("first", "world"), "first", "world")
    with serving(watching.services) as live:
        assert wait_for(live, "first", "ready")["languages"] == ["ja", "zh"]
        assert wait_for(live, "world", "ready")["languages"] == []
    assert (watching.first.loads, watching.first.spoken) == (1, ["en", "ja", "zh"])


def test_it_waits_while_somebody_listens(settings: Settings) -> None:
    watching = Watching(settings, ("third",), "second", "first")
    first, second, third = watching.first, watching.second, watching.third
    first.may_load.clear()
    with serving(watching.services) as live, ThreadPoolExecutor(1) as listeners:
        assert first.loading.wait(PATIENCE_SECONDS)
        second.may_speak.clear()
        second.speaking.clear()
        listener = listeners.submit(say, live, "second")
        assert second.speaking.wait(PATIENCE_SECONDS)
        first.may_load.set()
        wait_for(live, "third", "waiting")
        assert third.loads == 0
        second.may_speak.set()
        assert listener.result()
        wait_for(live, "third", "ready")
        assert third.used_at_load == [], "it was loaded while nobody listened"
        assert third.loaded_at - second.spoken_at >= QUIET_SECONDS


@pytest.mark.parametrize("engine", ["first", "tone"])
def test_a_listener_of_any_engine_stops_its_speech(settings: Settings, engine: str) -> None:
    watching = Watching(settings, ("first",), "tone")
    first = watching.first
    first.may_speak.clear()
    with serving(watching.services) as live:
        assert first.speaking.wait(PATIENCE_SECONDS)
        assert say(live, engine)
        wait_for(live, "first", "ready")
    assert first.cancelled == 1
    listened = ["en"] if engine == "first" else []
    assert sorted(first.spoken) == sorted([*listened, "en", "ja", "zh"]), "it spoke once more"


def test_a_listener_shares_its_load(settings: Settings) -> None:
    watching = Watching(settings, ("first",), "tone")
    first = watching.first
    first.may_load.clear()
    with serving(watching.services) as live, ThreadPoolExecutor(1) as listeners:
        assert first.loading.wait(PATIENCE_SECONDS)
        listener = listeners.submit(say, live, "first")
        while not state_of(live, "first")["leases"]:
            time.sleep(0.001)
        first.may_load.set()
        assert listener.result()
        wait_for(live, "first", "ready")
    assert first.loads == 1


def test_a_server_that_stops_does_not_wait_for_it(settings: Settings) -> None:
    watching = Watching(settings, ("first",), "tone")
    watching.first.may_speak.clear()
    with serving(watching.services):
        assert watching.first.speaking.wait(PATIENCE_SECONDS)
    assert watching.first.cancelled == 1 and watching.first.spoken == []


def test_an_unknown_engine_stops_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="warm: There is no engine 'bell'"):
        Watching(settings, ("bell",))
