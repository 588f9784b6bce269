"""Credentials are read strictly; anything unreadable is refused, not guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access import Credentials
from realtime.errors import Refused
from realtime.web.entry.credentials import Bearer, Cookie, Ticket, find_credentials

HEADERS = [
    (b"x-yamabiko-key", b"bot"),
    (b"x-yamabiko-time", b"1"),
    (b"x-yamabiko-nonce", b"n"),
    (b"x-yamabiko-signature", b"s"),
]
SIGNED = Credentials("bot", "1", "n", "s")
QUERY = b"kid=bot&t=1&n=n&sig=s"


def scope(headers: list[tuple[bytes, bytes]], query: bytes = b"", kind: str = "http") -> Any:
    return {"type": kind, "headers": headers, "query_string": query}


def test_nothing_is_nothing() -> None:
    assert find_credentials(scope([])) is None
    assert find_credentials(scope([(b"cookie", b"a=b")])) is None
    assert find_credentials(scope([], b"t=1&n=2")) is None  # anybody's own fields


def test_signatures_stand_in_headers_or_in_the_query() -> None:
    assert find_credentials(scope(HEADERS)) == SIGNED
    assert find_credentials(scope([], QUERY)) == SIGNED
    assert find_credentials(scope([], b"a=b&" + QUERY)) == SIGNED


@pytest.mark.parametrize("lost", range(4))
def test_a_part_that_is_missing_is_named(lost: int) -> None:
    left = [pair for place, pair in enumerate(HEADERS) if place != lost]
    with pytest.raises(Refused, match=HEADERS[lost][0].decode()):
        find_credentials(scope(left))


@pytest.mark.parametrize("twice", range(4))
def test_a_part_that_stands_twice_is_refused(twice: int) -> None:
    with pytest.raises(Refused, match="twice"):
        find_credentials(scope([*HEADERS, HEADERS[twice]]))
    with pytest.raises(Refused, match="twice"):
        find_credentials(scope([], QUERY + b"&" + QUERY.split(b"&")[twice]))


def test_the_strongest_counts() -> None:
    cookie, bearer = (b"cookie", b"yamabiko=x"), (b"authorization", b"Bearer bot:x")
    assert find_credentials(scope([cookie, bearer, *HEADERS])) == SIGNED
    assert find_credentials(scope([cookie, bearer])) == Bearer("bot:x")
    assert find_credentials(scope([cookie])) == Cookie("x")
    assert find_credentials(scope([cookie], b"ticket=y", "websocket")) == Ticket("y")
    assert find_credentials(scope([cookie], b"ticket=y")) == Cookie("x")


@pytest.mark.parametrize("value", [b"Basic x", b"bot:x", b"Digest a=b"])
def test_another_scheme_is_told(value: bytes) -> None:
    with pytest.raises(Refused, match="Bearer"):
        find_credentials(scope([(b"authorization", value)]))


def test_a_mountain_of_cookies_is_not_climbed() -> None:
    assert find_credentials(scope([(b"cookie", b"a=" + b"b" * 5_000 + b"; yamabiko=x")])) is None


def test_nothing_is_cut_off_that_was_sent() -> None:
    assert find_credentials(scope([], QUERY.replace(b"t=1", b"t=%0c1"))) == Credentials(
        "bot", "\x0c1", "n", "s"
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from([h[0] for h in HEADERS] + [b"authorization", b"cookie"]),
            st.binary(max_size=40),
        ),
        max_size=6,
    ),
    st.binary(max_size=60),
    st.sampled_from(["http", "websocket"]),
)
def test_anything_is_read_or_refused(
    headers: list[tuple[bytes, bytes]], query: bytes, kind: str
) -> None:
    try:
        find_credentials(scope(headers, query, kind))
    except Refused as refused:
        assert refused.code == "malformed"
