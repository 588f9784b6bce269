"""Tokens of the server's own: signed, timed, and spent once."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access.signatures import SaltedSigner
from realtime.access.tokens import Token, Tokens, parsed
from realtime.errors import Refused
from tests.support.signed_requests import FOREIGN, SECRET, Hands, answer

SEAL = SaltedSigner([SECRET], "ticket")
LIFE = 30.0


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def tokens(hands: Hands) -> Tokens:
    return Tokens(lambda: hands.ms, hands.chance, LIFE, most=100)


def test_a_token_is_read_back_as_it_was_made(tokens: Tokens, hands: Hands) -> None:
    token = tokens.made("bot", SEAL)
    assert parsed(str(token)) == token
    assert (token.key_id, token.expires_ms) == ("bot", hands.ms + 30_000)
    assert tokens.made("bot", SEAL).number != token.number


def test_nobodys_token_has_no_id(tokens: Tokens) -> None:
    token = parsed(str(tokens.made("", SEAL)))
    assert token.key_id == ""
    tokens.check(token, SEAL)


def test_it_may_be_shown_often_and_spent_once(tokens: Tokens) -> None:
    token = tokens.made("bot", SEAL)
    for _ in range(3):
        tokens.check(token, SEAL)
    tokens.spend(token, SEAL)
    assert answer(tokens.check, token, SEAL) == "replayed"
    assert answer(tokens.spend, token, SEAL) == "replayed"


@pytest.mark.parametrize(("after_ms", "expected"), [(29_999, "ok"), (30_000, "stale")])
def test_it_ends(tokens: Tokens, hands: Hands, after_ms: int, expected: str) -> None:
    token = tokens.made("bot", SEAL)
    hands.ms += after_ms
    assert answer(tokens.check, token, SEAL) == expected
    assert answer(tokens.spend, token, SEAL) == expected


@pytest.mark.parametrize(
    "change", [{"key_id": "page"}, {"expires_ms": 10**14}, {"number": "A" * 22}]
)
def test_nothing_in_it_can_be_changed(tokens: Tokens, change: dict[str, str | int]) -> None:
    token = replace(tokens.made("bot", SEAL), **change)  # type: ignore[arg-type]
    assert answer(tokens.check, token, SEAL) == "bad_signature"
    assert answer(tokens.spend, token, SEAL) == "bad_signature"


def test_a_token_of_another_secret_or_use_is_none(tokens: Tokens) -> None:
    for seal in (SaltedSigner([FOREIGN], "ticket"), SaltedSigner([SECRET], "cookie")):
        assert answer(tokens.spend, tokens.made("bot", seal), SEAL) == "bad_signature"


def test_a_spent_one_stays_spent_when_the_clock_is_set_back(tokens: Tokens, hands: Hands) -> None:
    spent = tokens.made("bot", SEAL)
    tokens.spend(spent, SEAL)
    hands.ms += 60_000
    tokens.spend(tokens.made("bot", SEAL), SEAL)  # which forgets the first
    hands.ms -= 60_000
    assert answer(tokens.check, spent, SEAL) == "stale"


def test_the_memory_is_bounded_and_closes_when_it_is_full(tokens: Tokens, hands: Hands) -> None:
    for _ in range(100):
        tokens.spend(tokens.made("bot", SEAL), SEAL)
    one_more = tokens.made("bot", SEAL)
    assert answer(tokens.spend, one_more, SEAL) == "tokens_full"
    hands.ms += 30_000
    assert answer(tokens.spend, tokens.made("bot", SEAL), SEAL) == "ok"


def test_of_many_at_once_exactly_one_spends_it(tokens: Tokens) -> None:
    for _ in range(25):
        token, found = tokens.made("bot", SEAL), []
        together = threading.Barrier(8)

        def spend(
            together: threading.Barrier = together,
            token: Token = token,
            found: list[str] = found,
        ) -> None:
            together.wait(10)
            found.append(answer(tokens.spend, token, SEAL))

        threads = [threading.Thread(target=spend) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(found) == ["ok"] + 7 * ["replayed"]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "...",
        f"bot.1.{'A' * 22}",
        f"bot.01.{'A' * 22}.{'A' * 43}",
        f"bot.-1.{'A' * 22}.{'A' * 43}",
        f"bot.1.{'A' * 21}.{'A' * 43}",
        f"bot.1.{'A' * 22}.{'A' * 43}\n",
        f"b t.1.{'A' * 22}.{'A' * 43}",
        f"bot.{'1' * 16}.{'A' * 22}.{'A' * 43}",
        f"bot.１.{'A' * 22}.{'A' * 43}",
    ],
)
def test_what_has_not_the_form_is_malformed(written: str) -> None:
    assert answer(parsed, written) == "malformed"


@given(st.text(st.characters()))
def test_any_text_is_a_token_or_refused(written: str) -> None:
    try:
        assert str(parsed(written)) == written
    except Refused as error:
        assert error.code == "malformed"
