"""The string to sign is the same for a request, however its query is written."""

from __future__ import annotations

import hashlib
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access.canonical import canonical_query, query_parts, string_to_sign

SPARED = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", ""),
        (b"b=2&a=1", "a=1&b=2"),
        (b"a=2&a=1&a=10", "a=1&a=10&a=2"),
        (b"a", "a="),
        (b"=a", "=a"),
        (b"=", "="),
        (b"a=b=c", "a=b%3Dc"),
        (b"&&a=1&&&b=2&", "a=1&b=2"),
        (b"a=1+2", "a=1%2B2"),
        (b"a=1%202", "a=1%202"),
        (b"a=%7e%2d%41", "a=~-A"),
        (b"a=%e3%81%82", "a=%E3%81%82"),
        ("a=あ".encode(), "a=%E3%81%82"),
        (b"a=\xff", "a=%FF"),
        (b"a=%", "a=%25"),
        (b"a=%zz%4", "a=%25zz%254"),
        (b"a=/?:@!$'()*,;", "a=%2F%3F%3A%40%21%24%27%28%29%2A%2C%3B"),
        (b"kid=bot&t=1&n=2&sig=3&x=1", "x=1"),
        (b"k%69d=bot&%74=1&x=1", "x=1"),
        (b"KID=bot&ts=1", "KID=bot&ts=1"),
        # by name, then by value, as encoded: % is before letters and digits
        (b"a0=1&a=2", "a=2&a0=1"),
        (b"z=1&%C3%A9=2&A=3", "%C3%A9=2&A=3&z=1"),
    ],
)
def test_the_query_has_one_form(raw: bytes, canonical: str) -> None:
    assert canonical_query(raw) == canonical


pairs = st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=8)


@given(pairs, st.randoms())
def test_order_and_encoding_change_nothing(
    pairs: list[tuple[bytes, bytes]], chance: object
) -> None:
    """Write each byte as it is, or as an escape of either case."""
    plain = [(name, value) for name, value in pairs if name or value]

    def written(part: bytes) -> bytes:
        forms = [
            bytes([byte]) if byte in SPARED and chance.random() < 0.5 else escaped(byte)
            for byte in part
        ]
        return b"".join(forms)

    def escaped(byte: int) -> bytes:
        return (b"%%%02x" if chance.random() < 0.5 else b"%%%02X") % byte

    shuffled = list(plain)
    chance.shuffle(shuffled)
    one = b"&".join(quote_from_bytes(n, "").encode() + b"=" + written(v) for n, v in plain)
    other = b"&&".join(written(n) + b"=" + written(v) for n, v in shuffled)
    assert canonical_query(one) == canonical_query(other)


@given(pairs)
def test_different_queries_stay_different(pairs: list[tuple[bytes, bytes]]) -> None:
    raw = "&".join(f"{quote_from_bytes(n, '')}={quote_from_bytes(v, '')}" for n, v in pairs)
    kept = [pair for pair in pairs if pair[0] not in (b"kid", b"t", b"n", b"sig")]
    assert sorted(query_parts(canonical_query(raw.encode()).encode())) == sorted(kept)


@given(st.binary())
def test_any_query_has_a_canonical_form_that_is_its_own(raw: bytes) -> None:
    once = canonical_query(raw)
    assert once.isascii()
    assert canonical_query(once.encode()) == once


def test_the_string_is_eight_lines() -> None:
    body = b'{"text":"Hi."}'
    digest = hashlib.sha256(body).hexdigest()
    told = string_to_sign("post", b"/a%2fb", b"y=2&x=1", "bot", "1790000000000", "n", digest)
    lines = [b"v1", b"POST", b"/a%2fb", b"x=1&y=2", b"bot", b"1790000000000", b"n"]
    assert told.split(b"\n") == [*lines, digest.encode()]


def test_without_a_body_it_is_the_digest_of_nothing() -> None:
    told = string_to_sign("GET", b"/ws", b"", "bot", "1", "n")
    assert told.endswith(b"\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
