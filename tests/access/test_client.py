"""What a client sends is what the server takes."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from realtime.access import Clock
from realtime.access.client import headers, query, signed
from realtime.access.signed_requests import USE
from tests.support.signed_requests import Hands, answer, asked, made_guard


def test_it_signs_with_the_newest_secret_and_is_let_in_once() -> None:
    hands = Hands()
    guard = made_guard(hands)
    request = asked("GET", b"/lines/0123456789abcdef", b"b=1&a=2")
    credentials = signed(request, "bot", guard.keys.seal("bot", USE), hands.clock())
    assert credentials.time == str(hands.ms)
    assert answer(guard.requests.verify, credentials, request) == "ok"
    assert answer(guard.requests.verify, credentials, request) == "replayed"


def test_headers_and_query_have_the_names_of_the_wire() -> None:
    hands = Hands()
    guard = made_guard(hands)
    credentials = signed(asked(), "bot", guard.keys.seal("bot", USE), hands.clock())
    named = headers(credentials)
    assert list(named) == [f"X-Yamabiko-{name}" for name in ("Key", "Time", "Nonce", "Signature")]
    assert list(query(credentials)) == ["kid", "t", "n", "sig"]
    assert list(named.values()) == list(query(credentials).values())


def test_the_query_does_not_sign_itself() -> None:
    hands = Hands()
    guard = made_guard(hands)
    seal = guard.keys.seal("bot", USE)
    credentials = signed(asked("GET", b"/ws", b"a=1"), "bot", seal, hands.clock())
    sent = asked("GET", b"/ws", b"a=1&" + urlencode(query(credentials)).encode())
    assert answer(guard.requests.verify, credentials, sent) == "ok"


def test_by_itself_it_takes_the_machines_clock_and_chance() -> None:
    guard = made_guard(Hands())
    seal = guard.keys.seal("bot", USE)
    one, other = (signed(asked(), "bot", seal) for _ in range(2))
    assert int(one.time) == pytest.approx(time.time() * 1000, abs=60_000)
    assert one.nonce != other.nonce and len(one.nonce) == 22
    assert len(Clock().chance(16)) == 22
