"""Requests that the client signs are accepted by the server."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from realtime.access import Clock
from realtime.access.client import sign, signature_headers, signature_query
from realtime.access.signed_requests import USE
from tests.support.signed_requests import FakeTime, make_guard, make_request, outcome


def test_it_signs_with_the_newest_secret_and_is_let_in_once() -> None:
    fake_time = FakeTime()
    guard = make_guard(fake_time)
    request = make_request("GET", b"/lines/0123456789abcdef", b"b=1&a=2")
    credentials = sign(request, "bot", guard.keys.signer("bot", USE), fake_time.clock())
    assert credentials.time == str(fake_time.ms)
    assert outcome(guard.requests.verify, credentials, request) == "ok"
    assert outcome(guard.requests.verify, credentials, request) == "replayed"


def test_headers_and_query_have_the_names_of_the_wire() -> None:
    fake_time = FakeTime()
    guard = make_guard(fake_time)
    credentials = sign(make_request(), "bot", guard.keys.signer("bot", USE), fake_time.clock())
    named = signature_headers(credentials)
    assert list(named) == [f"X-Yamabiko-{name}" for name in ("Key", "Time", "Nonce", "Signature")]
    assert list(signature_query(credentials)) == ["kid", "t", "n", "sig"]
    assert list(named.values()) == list(signature_query(credentials).values())


def test_the_query_does_not_sign_itself() -> None:
    fake_time = FakeTime()
    guard = make_guard(fake_time)
    signer = guard.keys.signer("bot", USE)
    credentials = sign(make_request("GET", b"/ws", b"a=1"), "bot", signer, fake_time.clock())
    sent = make_request("GET", b"/ws", b"a=1&" + urlencode(signature_query(credentials)).encode())
    assert outcome(guard.requests.verify, credentials, sent) == "ok"


def test_by_itself_it_takes_the_machines_clock_and_random_texts() -> None:
    guard = make_guard(FakeTime())
    signer = guard.keys.signer("bot", USE)
    one, other = (sign(make_request(), "bot", signer) for _ in range(2))
    assert int(one.time) == pytest.approx(time.time() * 1000, abs=60_000)
    assert one.nonce != other.nonce and len(one.nonce) == 22
    assert len(Clock().random_text(16)) == 22
