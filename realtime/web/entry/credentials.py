"""Credentials in a request, read from its headers and query and not yet verified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.types import Scope

from realtime.access import Credentials
from realtime.access.canonical import query_parts
from realtime.errors import Refused

COOKIE = "yamabiko"
HEADERS = (b"x-yamabiko-key", b"x-yamabiko-time", b"x-yamabiko-nonce", b"x-yamabiko-signature")
QUERY = (b"kid", b"t", b"n", b"sig")
MOST_COOKIE_BYTES = 4_096  # of all cookies of a request: larger ones are not parsed


@dataclass(frozen=True)
class Bearer:
    key: str


@dataclass(frozen=True)
class Ticket:
    text: str


@dataclass(frozen=True)
class Cookie:
    text: str


AnyCredentials = Credentials | Bearer | Ticket | Cookie


def find_credentials(scope: Scope) -> AnyCredentials | None:
    """Return the strongest credentials in a request; weaker ones are not tried after them."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    query = query_parts(scope["query_string"])
    signed = [pair for pair in headers if pair[0] in HEADERS]
    in_query = [pair for pair in query if pair[0] in QUERY]
    has_signature = any(name in (b"kid", b"sig") for name, _ in in_query)
    if signed and has_signature:
        raise Refused(
            "The request is signed in its headers and in its query.", hint="Send one of the two."
        )
    if signed:
        return _signed_credentials(signed, HEADERS)
    if has_signature:
        return _signed_credentials(in_query, QUERY)
    if (authorization := _single(headers, b"authorization")) is not None:
        return _bearer(authorization)
    if scope["type"] == "websocket" and (ticket := _single(query, b"ticket")) is not None:
        return Ticket(_text(ticket))
    return _cookie(headers)


def _signed_credentials(
    pairs: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]
) -> Credentials:
    found: dict[bytes, str] = {}
    for name, value in pairs:
        if name in found:
            raise Refused(f"{_text(name)} stands in the request twice.")
        found[name] = _text(value)
    missing = [_text(name) for name in names if name not in found]
    if missing:
        raise Refused(f"The signed request lacks {', '.join(missing)}.")
    return Credentials(*(found[name] for name in names))


def _bearer(value: bytes) -> Bearer:
    scheme, _, key = _text(value).partition(" ")
    if scheme.lower() != "bearer":
        raise Refused(
            "The header Authorization is of another scheme than Bearer.",
            hint="Authorization: Bearer id:secret",
        )
    return Bearer(key.strip(" "))


def _cookie(headers: list[tuple[bytes, bytes]]) -> Cookie | None:
    # HTTP/2 proxies may send a header for each cookie (RFC 9113, section 8.2.3).
    cookies = b"; ".join(value for name, value in headers if name == b"cookie")
    if not cookies or len(cookies) > MOST_COOKIE_BYTES:
        return None
    try:
        found = SimpleCookie(_text(cookies)).get(COOKIE)
    except CookieError:
        return None
    return Cookie(found.value) if found is not None and found.value else None


def _single(pairs: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    found = [value for name, value in pairs if name == wanted]
    if len(found) > 1:
        raise Refused(f"{_text(wanted)} stands in the request twice.")
    return found[0] if found else None


def _text(value: bytes) -> str:
    return value.decode("latin-1")
