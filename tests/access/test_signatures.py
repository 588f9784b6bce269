"""Signatures are what any language's HMAC gives; there is one way to write each."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access.signatures import SaltedSigner, is_well_formed
from tests.support.signed_requests import FOREIGN, OLDER, SECRET, documented_signature

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(max_size=200))
def test_a_signature_is_the_documented_hmac(message: bytes) -> None:
    assert SaltedSigner([OLDER, SECRET], "request").sign(message) == documented_signature(
        SECRET, "request", message
    )


def test_the_newest_signs_and_each_is_verified() -> None:
    both = SaltedSigner([OLDER, SECRET], "request")
    assert both.verify(b"a", SaltedSigner([OLDER], "request").sign(b"a"))
    assert both.verify(b"a", SaltedSigner([SECRET], "request").sign(b"a"))
    assert not both.verify(b"a", SaltedSigner([FOREIGN], "request").sign(b"a"))
    assert not SaltedSigner([SECRET], "request").verify(
        b"a", SaltedSigner([OLDER], "request").sign(b"a")
    )


def test_each_use_has_its_own_signatures() -> None:
    uses = ("request", "audio", "cookie", "ticket")
    signers = [SaltedSigner([SECRET], use) for use in uses]
    assert len({signer.sign(b"a") for signer in signers}) == len(uses)
    for one in signers:
        assert [other.verify(b"a", one.sign(b"a")) for other in signers].count(True) == 1


@given(st.binary(min_size=32, max_size=32))
def test_of_all_last_characters_one_is_right(signature: bytes) -> None:
    """Base64 of 32 bytes leaves two bits over, which most readers ignore: four ways to write it."""
    written = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    forms = [written[:-1] + last for last in ALPHABET]
    same = [form for form in forms if base64.urlsafe_b64decode(form + "=") == signature]
    assert len(same) == 4
    assert [form for form in same if is_well_formed(form)] == [written]


def test_a_signature_with_spare_bits_is_none() -> None:
    signer = SaltedSigner([SECRET], "request")
    good = signer.sign(b"a")
    place = ALPHABET.index(good[-1])
    for bits in (1, 2, 3):
        assert not signer.verify(b"a", good[:-1] + ALPHABET[place + bits])


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s + "=",
        lambda s: s[:-1],
        lambda s: s + "A",
        lambda s: s + "\n",
        lambda s: " " + s[1:],
        lambda s: s[:-1] + "é",
        lambda s: "",
        lambda s: s.swapcase(),
        lambda s: "+" + s[1:],
        lambda s: s[:-1] + "\ud800",
    ],
)
def test_what_is_no_signature_verifies_nothing(change: Callable[[str], str]) -> None:
    signer = SaltedSigner([SECRET], "request")
    assert not signer.verify(b"a", change(signer.sign(b"a")))
