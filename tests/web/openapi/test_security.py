"""Credentials in the API's document are those that authentication reads."""

from __future__ import annotations

from dataclasses import replace

from realtime.services import build
from realtime.settings import Settings
from realtime.web.openapi.security import requirements, security_schemes


def test_every_way_in_is_described(settings: Settings) -> None:
    schemes = security_schemes()
    services = build(replace(settings, keys=(f"bot:{'s' * 43}",)))
    used = set()
    for path in ("/lines", "/ws", "/audio/x"):
        for requirement in requirements(path, services):
            used |= set(requirement)
    assert used == set(schemes)
    assert all(scheme["description"] for scheme in schemes.values())


def test_a_signed_request_needs_all_its_parts(settings: Settings) -> None:
    ways = requirements("/lines", build(settings))
    signed = next(way for way in ways if "X-Yamabiko-Signature" in way)
    assert set(signed) == {f"X-Yamabiko-{part}" for part in ("Key", "Time", "Nonce", "Signature")}


def test_tickets_open_sockets_and_signatures_play_recordings(settings: Settings) -> None:
    services = build(settings)
    for path, scheme in (("/ws", "ticket"), ("/audio/x", "signed_url")):
        assert {scheme: []} in requirements(path, services)
        assert {scheme: []} not in requirements("/lines", services)
