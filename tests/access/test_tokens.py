"""Tokens of the server's own: signed, timed, and spent once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access.signatures import SaltedSigner
from realtime.access.tokens import Token, Tokens, parse_token
from realtime.errors import Refused
from tests.support.signed_requests import FOREIGN, SECRET, FakeTime, outcome

SIGNER = SaltedSigner([SECRET], "ticket")
LIFE = 30.0


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def tokens(fake_time: FakeTime) -> Tokens:
    return Tokens(lambda: fake_time.ms, fake_time.random_text, LIFE, most_spent=100)


def test_a_token_is_read_back_as_it_was_made(tokens: Tokens, fake_time: FakeTime) -> None:
    token = tokens.make("bot", SIGNER)
    assert parse_token(str(token)) == token
    assert (token.key_id, token.expires_ms) == ("bot", fake_time.ms + 30_000)
    assert tokens.make("bot", SIGNER).id != token.id


def test_nobodys_token_has_no_id(tokens: Tokens) -> None:
    token = parse_token(str(tokens.make("", SIGNER)))
    assert token.key_id == ""
    tokens.check(token, SIGNER)


def test_it_may_be_shown_often_and_spent_once(tokens: Tokens) -> None:
    token = tokens.make("bot", SIGNER)
    for _ in range(3):
        tokens.check(token, SIGNER)
    tokens.spend(token, SIGNER)
    assert outcome(tokens.check, token, SIGNER) == "replayed"
    assert outcome(tokens.spend, token, SIGNER) == "replayed"


@pytest.mark.parametrize(("after_ms", "expected"), [(29_999, "ok"), (30_000, "stale")])
def test_it_ends(tokens: Tokens, fake_time: FakeTime, after_ms: int, expected: str) -> None:
    token = tokens.make("bot", SIGNER)
    fake_time.ms += after_ms
    assert outcome(tokens.check, token, SIGNER) == expected
    assert outcome(tokens.spend, token, SIGNER) == expected


@pytest.mark.parametrize("change", [{"key_id": "page"}, {"expires_ms": 10**14}, {"id": "A" * 22}])
def test_nothing_in_it_can_be_changed(tokens: Tokens, change: dict[str, Any]) -> None:
    token = replace(tokens.make("bot", SIGNER), **change)
    assert outcome(tokens.check, token, SIGNER) == "bad_signature"
    assert outcome(tokens.spend, token, SIGNER) == "bad_signature"


def test_a_token_of_another_secret_or_use_is_none(tokens: Tokens) -> None:
    for signer in (SaltedSigner([FOREIGN], "ticket"), SaltedSigner([SECRET], "cookie")):
        assert outcome(tokens.spend, tokens.make("bot", signer), SIGNER) == "bad_signature"


def test_a_spent_one_stays_spent_when_the_clock_is_set_back(
    tokens: Tokens, fake_time: FakeTime
) -> None:
    spent = tokens.make("bot", SIGNER)
    tokens.spend(spent, SIGNER)
    fake_time.ms += 60_000
    tokens.spend(tokens.make("bot", SIGNER), SIGNER)  # which forgets the first
    fake_time.ms -= 60_000
    assert outcome(tokens.check, spent, SIGNER) == "stale"


def test_the_memory_is_bounded_and_closes_when_it_is_full(
    tokens: Tokens, fake_time: FakeTime
) -> None:
    for _ in range(100):
        tokens.spend(tokens.make("bot", SIGNER), SIGNER)
    one_more = tokens.make("bot", SIGNER)
    assert outcome(tokens.spend, one_more, SIGNER) == "tokens_full"
    fake_time.ms += 30_000
    assert outcome(tokens.spend, tokens.make("bot", SIGNER), SIGNER) == "ok"


def test_of_many_at_once_exactly_one_spends_it(tokens: Tokens) -> None:
    for _ in range(25):
        token, found = tokens.make("bot", SIGNER), []
        together = threading.Barrier(8)

        def spend(
            together: threading.Barrier = together,
            token: Token = token,
            found: list[str] = found,
        ) -> None:
            together.wait(10)
            found.append(outcome(tokens.spend, token, SIGNER))

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
    assert outcome(parse_token, written) == "malformed"


@given(st.text(st.characters()))
def test_any_text_is_a_token_or_refused(written: str) -> None:
    try:
        assert str(parse_token(written)) == written
    except Refused as error:
        assert error.code == "malformed"
