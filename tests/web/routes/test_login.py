"""The time, tickets, and the page's log-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.settings import LimitsSettings, Settings
from realtime.web.app import create_app
from realtime.web.routes import login
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.keyed_server import SECRET, FakeTime, keyed_services

RIGHT = {"key": f"bot:{SECRET}"}


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def keyed(
    settings: Settings, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setattr(login, "WRONG_KEY_SECONDS", 0.0)
    services = keyed_services(replace(settings, limits=LimitsSettings(logins=3)), fake_time)
    with DocumentedClient(create_app(services)) as client:
        yield client


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_time_is_told_to_anybody(keyed: TestClient, fake_time: FakeTime) -> None:
    answer = keyed.get("/time")
    assert answer.json() == {"now_ms": fake_time.ms, "shift_s": 60, "skew_s": 5}
    assert answer.headers["cache-control"] == "no-store"


def test_a_ticket_is_for_one_socket(keyed: TestClient, fake_time: FakeTime) -> None:
    found = keyed.post("/ticket", headers={"Authorization": f"Bearer bot:{SECRET}"}).json()
    assert found["expires_at"] == fake_time.ms + 30_000
    guard = services_of(keyed).guard
    assert guard.use_ticket(found["ticket"]) == "bot"


def test_without_keys_a_ticket_is_nobodys(client: TestClient) -> None:
    found = client.post("/ticket").json()
    guard = services_of(client).guard
    assert guard.use_ticket(found["ticket"]) == ""


def test_a_key_becomes_a_cookie(keyed: TestClient, fake_time: FakeTime) -> None:
    answer = keyed.post("/login", json=RIGHT)
    assert answer.json() == {"key": "bot", "expires_at": fake_time.ms + 12 * 3_600_000}
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie and SECRET not in cookie
    assert keyed.get("/api/info").status_code == 200
    fake_time.advance(12 * 3_600)
    assert error(keyed.get("/api/info")) == (401, "stale")


def test_behind_tls_the_cookie_is_for_tls_alone(keyed: TestClient) -> None:
    secure = TestClient(keyed.app, base_url="https://testserver")
    assert "Secure" in secure.post("/login", json=RIGHT).headers["set-cookie"]


def test_a_log_out_ends_the_cookie_everywhere(keyed: TestClient) -> None:
    keyed.post("/login", json=RIGHT)
    copied = {"Cookie": f"yamabiko={keyed.cookies['yamabiko']}"}
    assert keyed.get("/api/info", headers=copied).status_code == 200
    answer = keyed.post("/logout", headers=copied)
    assert answer.json() == {"key": None} and "Max-Age=0" in answer.headers["set-cookie"]
    keyed.cookies.clear()
    assert error(keyed.get("/api/info", headers=copied)) == (401, "replayed")
    assert keyed.post("/logout", headers=copied).status_code == 200


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (f"bot:{SECRET[:-1]}x", (401, "bad_signature")),
        (f"nobody:{SECRET}", (401, "unknown_key")),
        ("bot", (401, "malformed")),
        ("", (401, "malformed")),
        (7, (400, "bad_request")),
    ],
)
def test_a_wrong_key_becomes_none(
    keyed: TestClient, key: object, expected: tuple[int, str]
) -> None:
    answer = keyed.post("/login", json={"key": key})
    assert error(answer) == expected
    assert "set-cookie" not in answer.headers


def test_guessing_is_soon_over(keyed: TestClient) -> None:
    wrong = {"key": f"bot:{SECRET[:-1]}x"}
    found = [keyed.post("/login", json=wrong).status_code for _ in range(5)]
    assert found == [401, 401, 401, 429, 429]
    assert keyed.post("/login", json=RIGHT).status_code == 429
    assert keyed.get("/api/info", headers={"Authorization": f"Bearer {RIGHT['key']}"})


def test_no_page_elsewhere_logs_anybody_in_or_out(keyed: TestClient) -> None:
    for path in ("/login", "/logout"):
        answer = keyed.post(path, json=RIGHT, headers={"Origin": "https://evil.example"})
        assert error(answer) == (403, "origin_not_allowed")
    form = keyed.post("/login", content=b"{}", headers={"Content-Type": "text/plain"})
    assert form.status_code == 415


def test_without_keys_nobody_logs_in(client: TestClient) -> None:
    assert error(client.post("/login", json=RIGHT)) == (404, "no_keys")


def test_a_server_with_keys_is_ready_when_signatures_can_pass(
    settings: Settings, fake_time: FakeTime
) -> None:
    services = keyed_services(settings, fake_time)
    services.preload.ended = True
    client = DocumentedClient(create_app(services))
    assert client.get("/ready").status_code == 200
    fake_time.advance(-6)
    assert client.get("/ready").status_code == 503
