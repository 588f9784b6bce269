"""Only our names are answered, and only our pages may use what a browser sends for any page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from realtime.errors import Forbidden
from realtime.settings import Settings
from realtime.web.app import create_app
from realtime.web.entry.hosts_and_origins import Hosts, check_origin, name_in
from tests.support.documented_client import DocumentedClient
from tests.support.server import scripted_services


@pytest.fixture(scope="module")
def named(web_settings: Settings) -> TestClient:
    settings = replace(web_settings, hosts=("voice.example", "::1"))
    return DocumentedClient(create_app(scripted_services(settings)))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("voice.example", 200),
        ("VOICE.example:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("voice.example.evil.example", 403),
        ("[broken", 403),
        ("", 403),
    ],
)
def test_only_our_names_are_answered(named: TestClient, host: str, status: int) -> None:
    answer = named.get("/health", headers={"Host": host})
    assert answer.status_code == status
    assert "X-Request-ID" in answer.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8000", 200), ("localhost", 200), ("[::1]", 200), ("evil.example", 403)],
)
def test_without_keys_only_this_machine_is_answered(
    settings: Settings, host: str, status: int
) -> None:
    client = DocumentedClient(create_app(scripted_services(settings)))
    assert client.get("/health", headers={"Host": host}).status_code == status


def test_the_name_in_public_url_is_ours(settings: Settings) -> None:
    hosts = Hosts(replace(settings, public_url="https://Voice.example/v"), has_keys=False)
    assert hosts.allow(b"voice.example") and hosts.allow(b"localhost")
    assert not hosts.allow(b"other.example")


def test_with_keys_any_name_will_do_unless_they_are_listed(settings: Settings) -> None:
    assert Hosts(settings, has_keys=True).allow(b"any.example")
    listed = Hosts(replace(settings, hosts=("voice.example",)), has_keys=True)
    assert listed.allow(b"voice.example") and not listed.allow(b"any.example")


def test_what_is_remembered_of_names_is_bounded(settings: Settings) -> None:
    hosts = Hosts(settings, has_keys=False)
    for number in range(5_000):
        assert not hosts.allow(f"h{number}.example".encode())
    assert len(hosts._known) <= 1_024


def test_a_host_is_its_name_alone() -> None:
    assert name_in("Voice.Example:80") == "voice.example"
    assert name_in("") is None and name_in("[broken") is None


def scope_from(origins: list[str], scheme: str = "http") -> dict[str, object]:
    headers = [(b"host", b"voice.example:81"), *((b"origin", each.encode()) for each in origins)]
    return {"type": "websocket", "scheme": scheme, "path": "/ws", "headers": headers}


@pytest.mark.parametrize(
    ("origins", "scheme"),
    [
        ([], "ws"),
        (["http://voice.example:81"], "ws"),
        (["https://voice.example:81"], "ws"),  # a proxy in front of us speaks TLS
        (["https://voice.example:81"], "wss"),
        (["https://page.example"], "ws"),
    ],
)
def test_our_pages_and_listed_ones_may(origins: list[str], scheme: str) -> None:
    check_origin(scope_from(origins, scheme), ("https://page.example",))


@pytest.mark.parametrize(
    ("origins", "scheme"),
    [
        (["http://voice.example"], "ws"),
        (["http://voice.example:82"], "ws"),
        (["http://evil.example"], "ws"),
        (["null"], "ws"),
        ([""], "ws"),
        (["http://voice.example:81"], "wss"),  # no page without TLS speaks for one with it
        (["http://voice.example:81", "http://voice.example:81"], "ws"),
        (["https://page.example.evil.example"], "ws"),
    ],
)
def test_other_pages_may_not(origins: list[str], scheme: str) -> None:
    with pytest.raises(Forbidden) as refused:
        check_origin(scope_from(origins, scheme), ("https://page.example",))
    assert refused.value.code == "origin_not_allowed"
