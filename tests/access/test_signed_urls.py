"""A signed URL opens without a key, unchanged, until it expires."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access import Guard, SignedUrls
from realtime.access.signed_urls import MOST_CHECKED
from realtime.errors import Refused
from tests.support.signed_requests import (
    KEYS,
    OLDER,
    SECRET,
    FakeTime,
    documented_signature,
    make_guard,
    outcome,
)

PATH = "/audio/ja/ジャンボ/short/こんにちは-0123456789abcdef.wav"
DAY_MS = 86_400_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def urls(fake_time: FakeTime) -> SignedUrls:
    return make_guard(fake_time).urls


def signed_query(urls: SignedUrls, rate: str = "", key_id: str = "bot") -> str:
    query = urls.sign(key_id, PATH, rate, urls.expires_ms())
    return f"rate={rate}&{query}" if rate else query


def check_outcome(urls: SignedUrls, query: str | bytes, path: str = PATH) -> str:
    return outcome(urls.check, path, query.encode("utf-8") if isinstance(query, str) else query)


def test_it_opens_again_and_again_until_its_time(urls: SignedUrls, fake_time: FakeTime) -> None:
    query = signed_query(urls)
    assert query.startswith(f"e={fake_time.ms + 30 * DAY_MS}&s=")
    fake_time.advance(30 * 86_400 - 0.001)
    assert [check_outcome(urls, query) for _ in range(3)] == ["ok"] * 3
    fake_time.advance(0.001)
    assert check_outcome(urls, query) == "stale"


def test_the_signature_is_the_documented_one(urls: SignedUrls, fake_time: FakeTime) -> None:
    expiry = fake_time.ms + 30 * DAY_MS
    message = f"{PATH}\n24000\n{expiry}".encode()
    assert signed_query(urls, "24000")[-43:] == documented_signature(SECRET, "audio", message)


def test_each_key_signs_and_all_are_verified(urls: SignedUrls) -> None:
    for key_id in KEYS:
        assert check_outcome(urls, signed_query(urls, key_id=key_id)) == "ok"


def test_one_that_never_ends_says_so(fake_time: FakeTime) -> None:
    urls = make_guard(fake_time, url_days=0.0).urls
    assert urls.expires_ms() is None
    query = signed_query(urls)
    assert query.startswith("e=0&s=")
    fake_time.advance(100 * 365 * 86_400)
    assert check_outcome(urls, query) == "ok"
    assert check_outcome(urls, query.replace("e=0", "e=1")) == "bad_signature"


@pytest.mark.parametrize("rate", ["", "16000"])
def test_no_character_can_be_changed(urls: SignedUrls, rate: str) -> None:
    query = signed_query(urls, rate)
    for place, character in enumerate(query):
        for other in (*ALPHABET[place % 5 :: 5], "&", "=", "%", "+", "é", ""):
            if other != character:
                changed = query[:place] + other + query[place + 1 :]
                assert check_outcome(urls, changed) == "bad_signature", changed
    assert check_outcome(urls, query) == "ok"


def test_every_character_of_the_path_counts(urls: SignedUrls) -> None:
    query = signed_query(urls)
    for place in range(len(PATH)):
        assert check_outcome(urls, query, PATH[:place] + "_" + PATH[place + 1 :]) == "bad_signature"
    for path in (PATH + "/", PATH + "\n", quote(PATH), PATH[:-3] + "ogg", ""):
        assert check_outcome(urls, query, path) == "bad_signature"


def test_the_rate_is_signed(urls: SignedUrls) -> None:
    plain, with_rate = signed_query(urls), signed_query(urls, "16000")
    assert check_outcome(urls, with_rate) == "ok"
    for changed in (
        with_rate.replace("16000", "8000"),
        with_rate.replace("rate=16000&", ""),
        f"rate=16000&{plain}",
        f"{with_rate}&rate=8000",
        f"rate=16000%0A&{plain}",
    ):
        assert check_outcome(urls, changed) == "bad_signature"


@pytest.mark.parametrize("extra", ["&x=1", "&e=0", "&s=", "&=", "&rate=", "&key=1"])
def test_nothing_can_be_added(urls: SignedUrls, extra: str) -> None:
    expected = "ok" if extra == "&rate=" else "bad_signature"  # no rate is the rate that is signed
    assert check_outcome(urls, signed_query(urls) + extra) == expected


def test_path_and_rate_do_not_run_together(urls: SignedUrls, fake_time: FakeTime) -> None:
    expires_ms = urls.expires_ms()
    query = urls.sign("bot", "/audio/a", "16000", expires_ms)
    assert check_outcome(urls, query, "/audio/a\n16000") == "bad_signature"


def test_rotation(fake_time: FakeTime) -> None:
    def urls_of(*secrets: str) -> SignedUrls:
        return make_guard(fake_time, {"bot": secrets}).urls

    query = signed_query(urls_of(OLDER))
    assert check_outcome(urls_of(OLDER, SECRET), query) == "ok"
    assert check_outcome(urls_of(SECRET), query) == "bad_signature"
    newer = signed_query(urls_of(OLDER, SECRET))
    assert check_outcome(urls_of(SECRET), newer) == "ok"


def test_the_addresses_of_a_key_go_with_it(fake_time: FakeTime) -> None:
    query = signed_query(make_guard(fake_time).urls)
    assert (
        check_outcome(make_guard(fake_time, {"page": KEYS["page"]}).urls, query) == "bad_signature"
    )
    renamed = {"other": KEYS["bot"]}
    assert check_outcome(make_guard(fake_time, renamed).urls, query) == "bad_signature"


def test_what_was_checked_is_known_until_its_time(urls: SignedUrls, fake_time: FakeTime) -> None:
    query = signed_query(urls).encode()
    assert not urls.was_checked(PATH, query)
    urls.check(PATH, query)
    assert urls.was_checked(PATH, query)
    assert not urls.was_checked(PATH + "x", query)
    assert not urls.was_checked(PATH, query + b"&")
    fake_time.advance(30 * 86_400)
    assert not urls.was_checked(PATH, query)


def test_what_was_refused_is_not_known(urls: SignedUrls) -> None:
    query = signed_query(urls).replace("e=1", "e=2", 1)
    assert check_outcome(urls, query) == "bad_signature"
    assert not urls.was_checked(PATH, query.encode())


def test_what_is_known_is_bounded(fake_time: FakeTime) -> None:
    urls = make_guard(fake_time).urls
    queries = [urls.sign("bot", f"/{n}", "", None).encode() for n in range(MOST_CHECKED + 50)]
    for number, query in enumerate(queries):
        urls.check(f"/{number}", query)
    checked = [urls.was_checked(f"/{number}", query) for number, query in enumerate(queries)]
    assert checked == [False] * 50 + [True] * MOST_CHECKED


@pytest.mark.parametrize(
    "query",
    [b"", b"e=&s=", b"e=1", b"s=" + b"A" * 49, b"e=01&s=" + b"A" * 49, b"e=-1&s=" + b"A" * 49]
    + [b"e=1&s=" + b"A" * 48, b"\xff\xfe", b"e=1&s=" + "あ".encode() * 49, b"e=%31&s=%FF", b"&&;="],
)
def test_what_is_no_signed_query_is_refused(urls: SignedUrls, query: bytes) -> None:
    assert check_outcome(urls, query) == "bad_signature"


GUARD: Guard = make_guard(FakeTime())


@given(st.text(st.characters()), st.one_of(st.binary(), st.from_regex(rb"e=\d{1,15}&s=[\w-]{49}")))
def test_whatever_comes_it_is_refused(path: str, query: bytes) -> None:
    with pytest.raises(Refused):
        GUARD.urls.check(path, query)
