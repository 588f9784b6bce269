"""Credentials as the API's document describes them, by the names that authentication reads."""

from __future__ import annotations

from realtime.services import Services
from realtime.web.entry.credentials import COOKIE, HEADERS, QUERY
from realtime.web.requests.field_types import Schema

Requirement = dict[str, list[str]]  # schemes that are needed together


def security_schemes() -> dict[str, Schema]:
    """Return every kind of credentials, by the name that a requirement has for it."""
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key as `id:secret`."},
        "cookie": _named("cookie", COOKIE, "The page's cookie, which POST /login sets."),
        "ticket": _named("query", "ticket", "A ticket of POST /ticket; it opens one socket."),
        "signed_url": _named("query", "s", "The signature of a recording's URL."),
    }
    signed = "A part of a signed request; see docs/signing.md."
    schemes |= {name: _named("header", name, signed) for name in _header_names()}
    return schemes | {f"query_{name}": _named("query", name, signed) for name in _query_names()}


def requirements(path: str, services: Services) -> list[Requirement]:
    """Return the ways in to a path that needs a key; where there are no keys, none is needed."""
    ways: list[Requirement] = [] if services.guard.keys else [{}]
    if services.settings.auth.bearer:
        ways.append({"bearer": []})
    ways.append({"cookie": []})
    ways.append({name: [] for name in _header_names()})
    ways.append({f"query_{name}": [] for name in _query_names()})
    if path == "/ws":
        ways.append({"ticket": []})
    if path.startswith("/audio/"):
        ways.append({"signed_url": []})
    return ways


def _named(place: str, name: str, about: str) -> Schema:
    return {"type": "apiKey", "in": place, "name": name, "description": about}


def _header_names() -> list[str]:
    return [name.decode().title() for name in HEADERS]


def _query_names() -> list[str]:
    return [name.decode() for name in QUERY]
