"""The shortcut gives the same answers as the application, and keeps its connection."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime.settings import Settings
from tests.support.keyed_server import SECRET, FakeTime, keyed_services
from tests.support.recordings import forget_memory
from tests.support.server import LiveServer, serving


@pytest.fixture
def path(live: LiveServer) -> str:
    asked = live.post("/lines", {"text": "abc", "engine": "tone"})
    assert live.wait_until_idle()
    address: str = asked["url"].removeprefix(live.url)
    live.answer("GET", address).read()  # into memory
    return address


def get(
    connection: http.client.HTTPConnection, path: str, **headers: str
) -> tuple[int, dict[str, Any], bytes]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    named = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, named, answer.read()


def test_both_ways_are_the_same(live: LiveServer, path: str) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    long = get(connection, path, **{"X-Request-ID": "mine"})
    for _ in range(3):
        short = get(connection, path)
        assert (short[0], short[2]) == (long[0], long[2])
        assert set(short[1]) == set(long[1])
        changing = {"x-request-id", "date"}
        assert {n: v for n, v in short[1].items() if n not in changing} == {
            n: v for n, v in long[1].items() if n not in changing
        }
    ids = {get(connection, path)[1]["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert get(connection, "/health")[0] == 200
    connection.close()


def test_pipelined_requests_are_answered_in_order(live: LiveServer, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    other = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with live.connected() as connection:
        connection.sendall(request + request + other)
        found = b""
        while data := connection.recv(1 << 16):
            found += data
    assert found.count(b"HTTP/1.1 200 OK") == 3
    assert found.endswith(b"}")
    assert found.count(b"RIFF") == 2


def test_what_is_forgotten_is_not_sent(live: LiveServer, path: str) -> None:
    live.answer("GET", path).read()
    forget_memory(live.services.cache)
    address = live.services.cache.address(path[-20:-4])
    assert address is not None
    live.services.cache.index.forget(address.key)
    live.services.cache.store.remove(address)
    assert live.answer("GET", path).status == 404


@pytest.mark.parametrize(
    ("headers", "status"), [({"Range": "bytes=0-3"}, 206), ({"If-None-Match": "*"}, 304)]
)
def test_conditions_go_the_long_way(
    live: LiveServer, path: str, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    assert get(connection, path, **headers)[0] == status
    connection.close()


@pytest.fixture
def keyed(settings: Settings, tmp_path: Path) -> Iterator[tuple[LiveServer, FakeTime]]:
    fake_time = FakeTime()
    settings = replace(settings, cache=replace(settings.cache, path=tmp_path))
    with serving(keyed_services(settings, fake_time)) as live:
        yield live, fake_time


def test_with_keys_only_signed_addresses_go_the_short_way(
    keyed: tuple[LiveServer, FakeTime],
) -> None:
    live, fake_time = keyed
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer bot:{SECRET}"}
    connection.request("POST", "/lines", json.dumps({"text": "abc", "engine": "tone"}), headers)
    path = json.loads(connection.getresponse().read())["url"].removeprefix(live.url)
    assert live.wait_until_idle()
    found = [get(connection, path) for _ in range(3)]
    assert [status for status, _, _ in found] == [200, 200, 200]
    assert found[0][2] == found[1][2] == found[2][2]
    bare = path.partition("?")[0]
    for changed in (bare, path[:-1] + "-", f"{path}&rate=8000", f"{path}&e=0"):
        assert get(connection, changed)[0] == 401
    fake_time.advance(30 * 86_400)
    assert get(connection, path)[0] == 401
    connection.close()


def test_other_names_do_not_go_the_short_way(live: LiveServer, path: str) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    assert get(connection, path, Host="evil.example")[0] == 403
    assert get(connection, path)[0] == 200
    connection.close()
