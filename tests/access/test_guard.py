"""Tickets, cookies and requests of one server, and what is left of them after a restart."""

from __future__ import annotations

import pytest

from realtime.access import Guard
from tests.support.signed_requests import (
    KEYS,
    OLDER,
    SECRET,
    FakeTime,
    make_guard,
    make_request,
    outcome,
    sign_request,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def guard(fake_time: FakeTime) -> Guard:
    return make_guard(fake_time)


def test_a_ticket_opens_once(guard: Guard, fake_time: FakeTime) -> None:
    ticket, expires_at = guard.make_ticket("bot")
    assert expires_at == fake_time.ms + 30_000
    assert guard.use_ticket(ticket) == "bot"
    assert outcome(guard.use_ticket, ticket) == "replayed"


def test_a_ticket_holds_for_thirty_seconds_of_the_clock_that_nobody_sets(
    guard: Guard, fake_time: FakeTime
) -> None:
    early, late = (guard.make_ticket("bot")[0] for _ in range(2))
    fake_time.ms += 3_600_000
    fake_time.monotonic += 29.999
    assert guard.use_ticket(early) == "bot"
    fake_time.monotonic += 0.001
    assert outcome(guard.use_ticket, late) == "stale"


def test_a_used_ticket_stays_used_whatever_the_wall_clock_tells(
    guard: Guard, fake_time: FakeTime
) -> None:
    ticket, _ = guard.make_ticket("bot")
    guard.use_ticket(ticket)
    fake_time.advance(31)
    guard.use_ticket(guard.make_ticket("bot")[0])
    fake_time.ms -= 3_600_000
    assert outcome(guard.use_ticket, ticket) == "stale"


def test_a_ticket_of_another_process_is_none(fake_time: FakeTime) -> None:
    ticket, _ = make_guard(fake_time).make_ticket("bot")
    assert outcome(make_guard(fake_time).use_ticket, ticket) == "bad_signature"


def test_without_keys_everybody_may_and_tickets_are_nobodys(fake_time: FakeTime) -> None:
    guard = make_guard(fake_time, {})
    fake_time.ms -= 3_600_000
    assert guard.accepts_signatures
    ticket, _ = guard.make_ticket("")
    assert guard.use_ticket(ticket) == ""
    assert outcome(guard.use_ticket, ticket) == "replayed"


def test_a_cookie_is_its_keys_for_twelve_hours(guard: Guard, fake_time: FakeTime) -> None:
    cookie = guard.make_cookie("bot")
    fake_time.advance(12 * 3_600 - 0.001)
    assert guard.owner_of_cookie(cookie) == "bot"
    assert guard.owner_of_cookie(cookie) == "bot"
    fake_time.advance(0.001)
    assert outcome(guard.owner_of_cookie, cookie) == "stale"


def test_a_cookie_that_is_logged_out_is_over_for_all_who_have_it(guard: Guard) -> None:
    cookie, other = guard.make_cookie("bot"), guard.make_cookie("bot")
    guard.end_cookie(cookie)
    assert outcome(guard.owner_of_cookie, cookie) == "replayed"
    assert outcome(guard.end_cookie, cookie) == "replayed"
    assert guard.owner_of_cookie(other) == "bot"


def test_nobody_can_log_out_what_is_no_cookie(guard: Guard) -> None:
    assert outcome(guard.end_cookie, "") == "malformed"
    cookie = guard.make_cookie("bot")
    assert outcome(guard.end_cookie, cookie[:-1] + "B") == "bad_signature"
    assert guard.owner_of_cookie(cookie) == "bot"


def test_a_cookie_outlives_a_restart_and_a_rotation_but_not_its_secret(fake_time: FakeTime) -> None:
    cookie = make_guard(fake_time, {"bot": [OLDER]}).make_cookie("bot")
    assert make_guard(fake_time, {"bot": [OLDER, SECRET]}).owner_of_cookie(cookie) == "bot"
    assert (
        outcome(make_guard(fake_time, {"bot": [SECRET]}).owner_of_cookie, cookie) == "bad_signature"
    )
    assert (
        outcome(make_guard(fake_time, {"page": [OLDER]}).owner_of_cookie, cookie) == "unknown_key"
    )


def test_a_cookie_is_no_ticket_and_a_ticket_no_cookie(guard: Guard) -> None:
    assert outcome(guard.use_ticket, guard.make_cookie("bot")) == "bad_signature"
    assert outcome(guard.owner_of_cookie, guard.make_ticket("bot")[0]) == "bad_signature"
    assert (
        outcome(guard.owner_of_cookie, make_guard(FakeTime(), {}).make_ticket("")[0])
        == "unknown_key"
    )


@pytest.mark.parametrize("kind", ["ticket", "cookie"])
def test_no_character_of_a_token_can_be_changed(guard: Guard, kind: str) -> None:
    written = guard.make_ticket("bot")[0] if kind == "ticket" else guard.make_cookie("bot")
    use = guard.use_ticket if kind == "ticket" else guard.owner_of_cookie
    for place, character in enumerate(written):
        for other in (*ALPHABET[place % 7 :: 7], ".", "=", "%", "é", ""):
            if other != character:
                changed = written[:place] + other + written[place + 1 :]
                assert outcome(use, changed) in ("malformed", "unknown_key", "bad_signature")
    assert use(written) == "bot"


def test_after_a_restart_nothing_passes_that_passed_before(fake_time: FakeTime) -> None:
    """Also not what a fast clock stamped a skew ahead, with a restart in no time at all."""
    guard = make_guard(fake_time)
    accepted = [
        sign_request(fake_time, make_request(), stamp=fake_time.ms + ahead)
        for ahead in (-5_000, 0, 4_999, 5_000)
    ]
    assert [outcome(guard.requests.verify, each, make_request()) for each in accepted] == [
        "stale",  # from before the start
        "ok",
        "ok",
        "ok",
    ]
    again = make_guard(fake_time)
    for _ in range(80):
        told = {outcome(again.requests.verify, each, make_request()) for each in accepted}
        assert told == {"stale"}
        fake_time.advance(1)
    assert (
        outcome(again.requests.verify, sign_request(fake_time, make_request()), make_request())
        == "ok"
    )


def test_the_clock_of_the_server_is_told(guard: Guard, fake_time: FakeTime) -> None:
    assert guard.now_ms == fake_time.ms
    assert (guard.window.shift_s, guard.window.skew_s) == (60.0, 5.0)


def test_shift_and_skew_are_settings(fake_time: FakeTime) -> None:
    guard = make_guard(fake_time, KEYS, shift_seconds=10.0, skew_seconds=0.0)
    fake_time.advance(60)
    for late_ms, expected in [(-1, "future"), (0, "ok"), (10_000, "ok"), (10_001, "stale")]:
        credentials = sign_request(fake_time, make_request(), stamp=fake_time.ms - late_ms)
        assert outcome(guard.requests.verify, credentials, make_request()) == expected
