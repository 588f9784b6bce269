"""Tickets, cookies and requests of one server, and what is left of them after a restart."""

from __future__ import annotations

import pytest

from realtime.access import Guard
from tests.support.signed_requests import (
    KEYS,
    OLDER,
    SECRET,
    Hands,
    answer,
    asked,
    made_guard,
    shown,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def guard(hands: Hands) -> Guard:
    return made_guard(hands)


def test_a_ticket_opens_once(guard: Guard, hands: Hands) -> None:
    ticket, expires_at = guard.ticket("bot")
    assert expires_at == hands.ms + 30_000
    assert guard.redeem(ticket) == "bot"
    assert answer(guard.redeem, ticket) == "replayed"


def test_a_ticket_holds_for_thirty_seconds_of_the_clock_that_nobody_sets(
    guard: Guard, hands: Hands
) -> None:
    early, late = (guard.ticket("bot")[0] for _ in range(2))
    hands.ms += 3_600_000
    hands.running += 29.999
    assert guard.redeem(early) == "bot"
    hands.running += 0.001
    assert answer(guard.redeem, late) == "stale"


def test_a_used_ticket_stays_used_whatever_the_wall_clock_tells(guard: Guard, hands: Hands) -> None:
    ticket, _ = guard.ticket("bot")
    guard.redeem(ticket)
    hands.pass_by(31)
    guard.redeem(guard.ticket("bot")[0])
    hands.ms -= 3_600_000
    assert answer(guard.redeem, ticket) == "stale"


def test_a_ticket_of_another_process_is_none(hands: Hands) -> None:
    ticket, _ = made_guard(hands).ticket("bot")
    assert answer(made_guard(hands).redeem, ticket) == "bad_signature"


def test_without_keys_everybody_may_and_tickets_are_nobodys(hands: Hands) -> None:
    guard = made_guard(hands, {})
    hands.ms -= 3_600_000
    assert guard.open
    ticket, _ = guard.ticket("")
    assert guard.redeem(ticket) == ""
    assert answer(guard.redeem, ticket) == "replayed"


def test_a_cookie_is_its_keys_for_twelve_hours(guard: Guard, hands: Hands) -> None:
    cookie = guard.cookie("bot")
    hands.pass_by(12 * 3_600 - 0.001)
    assert guard.cookie_owner(cookie) == "bot"
    assert guard.cookie_owner(cookie) == "bot"
    hands.pass_by(0.001)
    assert answer(guard.cookie_owner, cookie) == "stale"


def test_a_cookie_that_is_logged_out_is_over_for_all_who_have_it(guard: Guard) -> None:
    cookie, other = guard.cookie("bot"), guard.cookie("bot")
    guard.end_cookie(cookie)
    assert answer(guard.cookie_owner, cookie) == "replayed"
    assert answer(guard.end_cookie, cookie) == "replayed"
    assert guard.cookie_owner(other) == "bot"


def test_nobody_can_log_out_what_is_no_cookie(guard: Guard) -> None:
    assert answer(guard.end_cookie, "") == "malformed"
    cookie = guard.cookie("bot")
    assert answer(guard.end_cookie, cookie[:-1] + "B") == "bad_signature"
    assert guard.cookie_owner(cookie) == "bot"


def test_a_cookie_outlives_a_restart_and_a_rotation_but_not_its_secret(hands: Hands) -> None:
    cookie = made_guard(hands, {"bot": [OLDER]}).cookie("bot")
    assert made_guard(hands, {"bot": [OLDER, SECRET]}).cookie_owner(cookie) == "bot"
    assert answer(made_guard(hands, {"bot": [SECRET]}).cookie_owner, cookie) == "bad_signature"
    assert answer(made_guard(hands, {"page": [OLDER]}).cookie_owner, cookie) == "unknown_key"


def test_a_cookie_is_no_ticket_and_a_ticket_no_cookie(guard: Guard) -> None:
    assert answer(guard.redeem, guard.cookie("bot")) == "bad_signature"
    assert answer(guard.cookie_owner, guard.ticket("bot")[0]) == "bad_signature"
    assert answer(guard.cookie_owner, made_guard(Hands(), {}).ticket("")[0]) == "unknown_key"


@pytest.mark.parametrize("kind", ["ticket", "cookie"])
def test_no_character_of_a_token_can_be_changed(guard: Guard, kind: str) -> None:
    written = guard.ticket("bot")[0] if kind == "ticket" else guard.cookie("bot")
    use = guard.redeem if kind == "ticket" else guard.cookie_owner
    for place, character in enumerate(written):
        for other in (*ALPHABET[place % 7 :: 7], ".", "=", "%", "é", ""):
            if other != character:
                changed = written[:place] + other + written[place + 1 :]
                assert answer(use, changed) in ("malformed", "unknown_key", "bad_signature")
    assert use(written) == "bot"


def test_after_a_restart_nothing_passes_that_passed_before(hands: Hands) -> None:
    """Also not what a fast clock stamped a skew ahead, with a restart in no time at all."""
    guard = made_guard(hands)
    accepted = [
        shown(hands, asked(), stamp=hands.ms + ahead) for ahead in (-5_000, 0, 4_999, 5_000)
    ]
    assert [answer(guard.requests.verify, each, asked()) for each in accepted] == [
        "stale",  # from before the start
        "ok",
        "ok",
        "ok",
    ]
    again = made_guard(hands)
    for _ in range(80):
        told = {answer(again.requests.verify, each, asked()) for each in accepted}
        assert told == {"stale"}
        hands.pass_by(1)
    assert answer(again.requests.verify, shown(hands, asked()), asked()) == "ok"


def test_the_clock_of_the_server_is_told(guard: Guard, hands: Hands) -> None:
    assert guard.now_ms == hands.ms
    assert (guard.axes.shift_s, guard.axes.skew_s) == (60.0, 5.0)


def test_shift_and_skew_are_settings(hands: Hands) -> None:
    guard = made_guard(hands, KEYS, shift_seconds=10.0, skew_seconds=0.0)
    hands.pass_by(60)
    for late_ms, expected in [(-1, "future"), (0, "ok"), (10_000, "ok"), (10_001, "stale")]:
        credentials = shown(hands, asked(), stamp=hands.ms - late_ms)
        assert answer(guard.requests.verify, credentials, asked()) == expected
