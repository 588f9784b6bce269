"""The published vectors are what the tool makes, and a server answers to each as they say."""

from __future__ import annotations

import hashlib
from collections import Counter
from urllib.parse import parse_qsl

import pytest

from realtime.access import Clock, Credentials, Guard, Keys, SignedRequest, string_to_sign
from realtime.access.canonical import query_parts
from realtime.settings import Settings
from tests.support.signed_requests import documented_signature, outcome
from tests.support.signing_vectors import FILE, REASONS, REQUESTS, URLS, VECTORS, Vector, body_of
from tools.vectors import text


def credentials_of(vector: Vector) -> Credentials:
    """Read the credentials from the headers, or where there are none from the query."""
    if vector["headers"]:
        parts = ("Key", "Time", "Nonce", "Signature")
        return Credentials(*(vector["headers"][f"X-Yamabiko-{part}"] for part in parts))
    fields = dict(query_parts(vector["query"].encode()))
    return Credentials(*(fields[name].decode() for name in (b"kid", b"t", b"n", b"sig")))


def request_of(vector: Vector) -> SignedRequest:
    digest = hashlib.sha256(body_of(vector)).hexdigest()
    return SignedRequest(
        vector["method"], vector["path"].encode(), vector["query"].encode(), digest
    )


def guard_of(started_ms: int, now_ms: int) -> Guard:
    """Return a guard that started then and answers now."""
    time = [started_ms, now_ms]
    clock = Clock(lambda: time[0], lambda: time[0] / 1_000)
    guard = Guard(Keys(VECTORS["keys"]), Settings(), clock)
    del time[0]
    return guard


def test_the_file_is_what_the_tool_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run: python -m tools.vectors"


def test_there_are_vectors_of_every_kind() -> None:
    counts = Counter(vector["expected"] for vector in VECTORS["requests"])
    assert set(counts) == REASONS
    assert counts.total() >= 60 and len(REQUESTS) == counts.total()
    assert len(URLS) == len(VECTORS["addresses"]) >= 10
    settings = Settings().auth
    assert VECTORS["shift_ms"] == settings.shift_seconds * 1_000
    assert VECTORS["skew_ms"] == settings.skew_seconds * 1_000


@pytest.mark.parametrize("name", REQUESTS)
def test_a_server_answers_as_the_vector_says(name: str) -> None:
    vector = REQUESTS[name]
    guard = guard_of(vector["started_ms"], vector["now_ms"])
    if "after" in vector:
        before = REQUESTS[vector["after"]]
        guard.requests.verify(credentials_of(before), request_of(before))
    found = outcome(guard.requests.verify, credentials_of(vector), request_of(vector))
    assert found == vector["expected"]


@pytest.mark.parametrize("name", REQUESTS)
def test_string_and_signature_are_what_was_signed(name: str) -> None:
    vector = REQUESTS[name]
    message = vector["string_to_sign"].encode()
    if vector["as_signed"]:
        request = request_of(vector)
        parts = (vector["key_id"], vector["time"], vector["nonce"], request.body_sha256)
        assert string_to_sign(request.method, request.path, request.query, *parts) == message
        assert credentials_of(vector).signature == vector["signature"]
    unchanged = credentials_of(vector).signature == vector["signature"]
    if unchanged and vector["expected"] != "malformed":
        assert vector["signature"] == documented_signature(vector["secret"], "request", message)


@pytest.mark.parametrize("name", URLS)
def test_an_address_opens_as_the_vector_says(name: str) -> None:
    vector = URLS[name]
    guard = guard_of(vector["now_ms"] - 1, vector["now_ms"])
    found = outcome(guard.urls.check, vector["path"], vector["query"].encode())
    assert found == vector["expected"]
    message = vector["string_to_sign"].encode()
    assert vector["signature"] == documented_signature(vector["secret"], "audio", message)


def test_the_server_makes_the_addresses_of_the_vectors() -> None:
    for vector in VECTORS["addresses"]:
        if vector["expected"] == "ok" and vector["secret"] == VECTORS["keys"]["bot"][-1]:
            guard = guard_of(vector["now_ms"] - 1, vector["now_ms"])
            parts = (vector["key_id"], vector["path"], vector["rate"], vector["expires_ms"])
            made = dict(parse_qsl(guard.urls.sign(*parts)))
            assert made == {
                name: value for name, value in parse_qsl(vector["query"]) if name != "rate"
            }
