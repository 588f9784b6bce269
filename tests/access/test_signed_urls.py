"""An address opens for whoever has it, as it was given, until its time."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access import Guard, SignedAddresses
from realtime.access.signed_urls import MOST_KNOWN
from realtime.errors import Refused
from tests.access.test_signatures import reckoned
from tests.support.signed_requests import KEYS, OLDER, SECRET, Hands, answer, made_guard

PATH = "/audio/ja/ジャンボ/short/こんにちは-0123456789abcdef.wav"
DAY_MS = 86_400_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def addresses(hands: Hands) -> SignedAddresses:
    return made_guard(hands).addresses


def made(addresses: SignedAddresses, rate: str = "", key_id: str = "bot") -> str:
    query = addresses.query(key_id, PATH, rate, addresses.expires_ms())
    return f"rate={rate}&{query}" if rate else query


def tried(addresses: SignedAddresses, query: str | bytes, path: str = PATH) -> str:
    return answer(addresses.check, path, query.encode("utf-8") if isinstance(query, str) else query)


def test_it_opens_again_and_again_until_its_time(addresses: SignedAddresses, hands: Hands) -> None:
    query = made(addresses)
    assert query.startswith(f"e={hands.ms + 30 * DAY_MS}&s=")
    hands.pass_by(30 * 86_400 - 0.001)
    assert [tried(addresses, query) for _ in range(3)] == ["ok"] * 3
    hands.pass_by(0.001)
    assert tried(addresses, query) == "stale"


def test_the_signature_is_the_documented_one(addresses: SignedAddresses, hands: Hands) -> None:
    expiry = hands.ms + 30 * DAY_MS
    message = f"{PATH}\n24000\n{expiry}".encode()
    assert made(addresses, "24000")[-43:] == reckoned(SECRET, "audio", message)


def test_each_key_signs_and_all_are_verified(addresses: SignedAddresses) -> None:
    for key_id in KEYS:
        assert tried(addresses, made(addresses, key_id=key_id)) == "ok"


def test_one_that_never_ends_says_so(hands: Hands) -> None:
    addresses = made_guard(hands, url_days=0.0).addresses
    assert addresses.expires_ms() is None
    query = made(addresses)
    assert query.startswith("e=0&s=")
    hands.pass_by(100 * 365 * 86_400)
    assert tried(addresses, query) == "ok"
    assert tried(addresses, query.replace("e=0", "e=1")) == "bad_signature"


@pytest.mark.parametrize("rate", ["", "16000"])
def test_no_character_can_be_changed(addresses: SignedAddresses, rate: str) -> None:
    query = made(addresses, rate)
    for place, character in enumerate(query):
        for other in (*ALPHABET[place % 5 :: 5], "&", "=", "%", "+", "é", ""):
            if other != character:
                changed = query[:place] + other + query[place + 1 :]
                assert tried(addresses, changed) == "bad_signature", changed
    assert tried(addresses, query) == "ok"


def test_every_character_of_the_path_counts(addresses: SignedAddresses) -> None:
    query = made(addresses)
    for place in range(len(PATH)):
        assert tried(addresses, query, PATH[:place] + "_" + PATH[place + 1 :]) == "bad_signature"
    for path in (PATH + "/", PATH + "\n", quote(PATH), PATH[:-3] + "ogg", ""):
        assert tried(addresses, query, path) == "bad_signature"


def test_the_rate_is_signed(addresses: SignedAddresses) -> None:
    plain, with_rate = made(addresses), made(addresses, "16000")
    assert tried(addresses, with_rate) == "ok"
    for changed in (
        with_rate.replace("16000", "8000"),
        with_rate.replace("rate=16000&", ""),
        f"rate=16000&{plain}",
        f"{with_rate}&rate=8000",
        f"rate=16000%0A&{plain}",
    ):
        assert tried(addresses, changed) == "bad_signature"


@pytest.mark.parametrize("extra", ["&x=1", "&e=0", "&s=", "&=", "&rate=", "&key=1"])
def test_nothing_can_be_added(addresses: SignedAddresses, extra: str) -> None:
    expected = "ok" if extra == "&rate=" else "bad_signature"  # no rate is the rate that is signed
    assert tried(addresses, made(addresses) + extra) == expected


def test_path_and_rate_do_not_run_together(addresses: SignedAddresses, hands: Hands) -> None:
    expires_ms = addresses.expires_ms()
    query = addresses.query("bot", "/audio/a", "16000", expires_ms)
    assert tried(addresses, query, "/audio/a\n16000") == "bad_signature"


def test_rotation(hands: Hands) -> None:
    def addresses_of(*secrets: str) -> SignedAddresses:
        return made_guard(hands, {"bot": secrets}).addresses

    query = made(addresses_of(OLDER))
    assert tried(addresses_of(OLDER, SECRET), query) == "ok"
    assert tried(addresses_of(SECRET), query) == "bad_signature"
    newer = made(addresses_of(OLDER, SECRET))
    assert tried(addresses_of(SECRET), newer) == "ok"


def test_the_addresses_of_a_key_go_with_it(hands: Hands) -> None:
    query = made(made_guard(hands).addresses)
    assert tried(made_guard(hands, {"page": KEYS["page"]}).addresses, query) == "bad_signature"
    renamed = {"other": KEYS["bot"]}
    assert tried(made_guard(hands, renamed).addresses, query) == "bad_signature"


def test_what_was_checked_is_known_until_its_time(addresses: SignedAddresses, hands: Hands) -> None:
    query = made(addresses).encode()
    assert not addresses.known(PATH, query)
    addresses.check(PATH, query)
    assert addresses.known(PATH, query)
    assert not addresses.known(PATH + "x", query)
    assert not addresses.known(PATH, query + b"&")
    hands.pass_by(30 * 86_400)
    assert not addresses.known(PATH, query)


def test_what_was_refused_is_not_known(addresses: SignedAddresses) -> None:
    query = made(addresses).replace("e=1", "e=2", 1)
    assert tried(addresses, query) == "bad_signature"
    assert not addresses.known(PATH, query.encode())


def test_what_is_known_is_bounded(hands: Hands) -> None:
    addresses = made_guard(hands).addresses
    queries = [addresses.query("bot", f"/{n}", "", None).encode() for n in range(MOST_KNOWN + 50)]
    for number, query in enumerate(queries):
        addresses.check(f"/{number}", query)
    known = [addresses.known(f"/{number}", query) for number, query in enumerate(queries)]
    assert known == [False] * 50 + [True] * MOST_KNOWN


@pytest.mark.parametrize(
    "query",
    [b"", b"e=&s=", b"e=1", b"s=" + b"A" * 49, b"e=01&s=" + b"A" * 49, b"e=-1&s=" + b"A" * 49]
    + [b"e=1&s=" + b"A" * 48, b"\xff\xfe", b"e=1&s=" + "あ".encode() * 49, b"e=%31&s=%FF", b"&&;="],
)
def test_what_is_no_signed_query_is_refused(addresses: SignedAddresses, query: bytes) -> None:
    assert tried(addresses, query) == "bad_signature"


GUARD: Guard = made_guard(Hands())


@given(st.text(st.characters()), st.one_of(st.binary(), st.from_regex(rb"e=\d{1,15}&s=[\w-]{49}")))
def test_whatever_comes_it_is_refused(path: str, query: bytes) -> None:
    with pytest.raises(Refused):
        GUARD.addresses.check(path, query)
