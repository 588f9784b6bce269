"""The setting `cors.origins`: which pages elsewhere may call the server, and what they may read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from realtime.services import Services
from realtime.settings import CorsSettings, LimitsSettings, Settings
from realtime.web.app import OPERATIONS
from realtime.web.openapi.headers import HEADERS
from tests.support.keyed_server import FakeTime, keyed_services
from tests.support.polling import until
from tests.support.server import LiveServer, scripted_services, serving

GAME, OTHER = "https://game.example", "https://other.example"
ALLOWED = "access-control-allow-origin"
NOT_READ = {"Set-Cookie", "Upgrade"}  # browsers keep the first, and no page sends an upgrade


def answer(live: LiveServer, method: str, path: str, origin: str | None, **more: Any) -> Any:
    headers = {**({"Origin": origin} if origin else {}), **more.pop("headers", {})}
    url = path if path.startswith("http") else live.url + path
    return httpx2.request(method, url, headers=headers, timeout=60, **more)


def preflight(live: LiveServer, path: str, origin: str, method: str, headers: str = "") -> Any:
    asked = {"Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return answer(live, "OPTIONS", path, origin, headers=asked)


def cors_server(services_of: Any, settings: Settings, path: Path, *origins: str) -> Services:
    cache = replace(settings.cache, path=path / "cache")
    limits = replace(LimitsSettings(), body_bytes=100_000)
    cors = CorsSettings(origins=origins)
    services: Services = services_of(replace(settings, cache=cache, limits=limits, cors=cors))
    return services


@pytest.fixture(scope="module")
def live(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that one page elsewhere may call."""
    folder = tmp_path_factory.mktemp("listed")
    with serving(cors_server(scripted_services, settings, folder, GAME)) as live:
        yield live


@pytest.fixture(scope="module")
def open_to_all(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("all")
    with serving(cors_server(scripted_services, settings, folder, "*")) as live:
        yield live


@pytest.fixture(scope="module")
def keyed(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with keys that one page elsewhere may call."""
    folder = tmp_path_factory.mktemp("keyed")

    def services_of(given: Settings) -> Services:
        return keyed_services(given, FakeTime())

    with serving(cors_server(services_of, settings, folder, GAME)) as live:
        yield live


@pytest.mark.parametrize(
    ("method", "path"), sorted({(each.method, each.path) for each in OPERATIONS})
)
def test_a_listed_page_may_call_every_operation(live: LiveServer, method: str, path: str) -> None:
    found = preflight(live, path, GAME, method, "content-type, x-yamabiko-key, authorization")
    assert found.status_code == 200 and found.headers[ALLOWED] == GAME
    assert method in found.headers["access-control-allow-methods"].split(", ")
    allowed = found.headers["access-control-allow-headers"]
    assert {"content-type", "x-yamabiko-key", "authorization"} <= set(allowed.split(", "))
    assert int(found.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize("origin", [OTHER, GAME + ".evil.example", "http://game.example", "null"])
def test_another_page_may_not(live: LiveServer, origin: str) -> None:
    asked = preflight(live, "/lines", origin, "POST", "content-type")
    assert asked.status_code == 400 and ALLOWED not in asked.headers
    plain = answer(live, "GET", "/api/characters", origin)
    assert plain.status_code == 200 and ALLOWED not in plain.headers, "a browser hides the answer"


def test_a_method_that_nothing_has_is_not_allowed(live: LiveServer) -> None:
    assert preflight(live, "/lines", GAME, "TRACE").status_code == 400


def test_a_preflight_needs_no_key_and_what_follows_does(keyed: LiveServer) -> None:
    asked = preflight(keyed, "/lines", GAME, "POST", "authorization")
    assert asked.status_code == 200 and asked.headers[ALLOWED] == GAME
    refused = answer(keyed, "POST", "/lines", GAME, json={"text": "a"})
    assert refused.status_code == 401 and refused.headers[ALLOWED] == GAME
    assert "www-authenticate" in exposed(refused) and "www-authenticate" in refused.headers


def exposed(found: Any) -> set[str]:
    return set(found.headers["access-control-expose-headers"].lower().split(", "))


def test_caches_keep_what_no_page_asked_for_apart(live: LiveServer) -> None:
    """Else a page elsewhere gets from its browser's cache what an `<audio>` had fetched before."""
    line = {"text": "heard by an element first", "engine": "tone"}
    url = answer(live, "POST", "/lines", GAME, json=line).json()["url"]
    assert live.wait_until_idle()
    for _ in range(3):  # from the disk, then from memory
        found = httpx2.get(url, timeout=60)
        assert found.status_code == 200 and "origin" in found.headers["vary"].lower()


def test_a_page_may_read_every_header_that_an_answer_has(live: LiveServer) -> None:
    found = exposed(answer(live, "GET", "/api/characters", GAME))
    wanted = set(HEADERS) - NOT_READ
    assert {name.lower() for name in wanted} <= found


def test_every_kind_of_answer_can_be_read(live: LiveServer) -> None:
    line = {"text": "abc", "engine": "tone"}
    asked = answer(live, "POST", "/lines", GAME, json=line)
    assert live.wait_until_idle()
    url = asked.json()["url"]
    speech = {"model": "tone", "input": "abc"}
    found = [
        asked,
        answer(live, "GET", url, GAME),
        answer(live, "GET", url, GAME, headers={"Range": "bytes=0-9"}),
        answer(live, "HEAD", url, GAME),
        answer(live, "POST", "/v1/audio/speech", GAME, json=speech),
        answer(live, "POST", "/v1/audio/speech", GAME, json={**speech, "stream_format": "sse"}),
        answer(live, "GET", "/ready", GAME),
        answer(live, "GET", "/", GAME),
    ]
    assert [each.status_code for each in found] == [200, 200, 206, 200, 200, 200, 200, 200]
    assert {each.headers[ALLOWED] for each in found} == {GAME}
    assert all("origin" in each.headers["vary"].lower() for each in found)


def test_every_kind_of_error_can_be_read(live: LiveServer) -> None:
    broken = {"model": "broken", "input": "abc", "stream": False}
    found = [
        answer(live, "POST", "/lines", GAME, json={"text": 1}),
        answer(live, "GET", "/nowhere", GAME),
        answer(live, "GET", "/audio/en/a/short/b-0123456789abcdef.wav", GAME),
        answer(live, "PUT", "/lines", GAME),
        answer(live, "POST", "/lines", GAME, json={"text": "a" * 200_000}),
        answer(live, "POST", "/v1/audio/speech", GAME, json=broken),
    ]
    assert [each.status_code for each in found] == [400, 404, 404, 405, 413, 500]
    assert {each.headers[ALLOWED] for each in found} == {GAME}


def test_a_fault_of_the_server_can_be_read_and_is_logged_once(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*given: object) -> None:
        raise ZeroDivisionError("a fault of the server")

    monkeypatch.setattr(live.services.characters, "all", fail)
    caplog.set_level(logging.ERROR)
    found = answer(live, "GET", "/api/characters", GAME)
    assert found.status_code == 500 and found.json()["error"]["code"] == "internal_error"
    assert found.headers[ALLOWED] == GAME
    assert found.headers["x-request-id"] in found.json()["error"]["hint"]
    asyncio.run(until(lambda: len(caplog.records) > 1))
    ours, uvicorns = (each.getMessage().strip() for each in caplog.records)
    assert (ours, uvicorns) == (
        "the request failed: ZeroDivisionError",
        "Exception in ASGI application",
    )


def test_a_star_lets_in_every_page(open_to_all: LiveServer) -> None:
    asked = preflight(open_to_all, "/lines", OTHER, "POST", "content-type")
    assert asked.status_code == 200 and asked.headers[ALLOWED] in ("*", OTHER)
    found = answer(open_to_all, "POST", "/lines", OTHER, json={"text": "a", "engine": "tone"})
    assert found.status_code == 200 and found.headers[ALLOWED] == "*"


def test_without_a_listed_page_nothing_is_told(live_server: LiveServer) -> None:
    asked = preflight(live_server, "/lines", GAME, "POST")
    assert asked.status_code == 405
    plain = answer(live_server, "GET", "/api/characters", GAME)
    assert plain.status_code == 200
    assert not [
        name for each in (asked, plain) for name in each.headers if "access-control" in name
    ]


def test_who_comes_from_no_page_is_told_nothing(live: LiveServer) -> None:
    assert ALLOWED not in answer(live, "GET", "/api/characters", None).headers
