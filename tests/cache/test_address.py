"""Keys, slugs and paths: readable, harmless, and the same way back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.cache.address import Address, folder_of, key_of, parse_path, slug_of


@given(st.text())
def test_a_slug_is_harmless_and_short(text: str) -> None:
    slug = slug_of(text)
    assert 0 < len(slug.encode()) <= 60
    assert not set(slug) & set('/\\\0:*?"<>|.%#\n ')
    assert slug[0] != "-" and slug[-1] != "-"
    assert unicodedata.normalize("NFC", text) == text or slug == slug_of(
        unicodedata.normalize("NFC", text)
    )


@given(st.text())
def test_a_path_is_read_back(text: str) -> None:
    made = Address("zh", "Y'shtola-Finetuned", "long", slug_of(text), key_of({"text": text}))
    assert parse_path(made.path(".wav")) == (made, ".wav")
    assert parse_path(made.path(".16000.ogg")) == (made, ".16000.ogg")
    assert made.quoted(".wav").isascii()


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Hello there, traveller.", "hello-there-traveller"),
        ("../../etc/passwd", "etc-passwd"),
        ("欢迎回来，旅行者。", "欢迎回来-旅行者"),
        ("CON", "con"),
        ("?!…", "line"),
        ("a\0b%2e%2e", "a-b-2e-2e"),
        ("e\u0301", "é"),
        ("x" * 300, "x" * 60),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert slug_of(text) == slug


@pytest.mark.parametrize(
    "path",
    [
        "",
        "en/bell/short/hello.wav",
        "fr/bell/short/hello-0123456789abcdef.wav",
        "en/bell/middle/hello-0123456789abcdef.wav",
        "en/../short/hello-0123456789abcdef.wav",
        "en/bell/short/../hello-0123456789abcdef.wav",
        "en/bell/short/hello-0123456789ABCDEF.wav",
        "en/bell/short/hello-0123456789abcdef.exe",
        "en/bell/short/hello-0123456789abcdef.wav/",
        "en/bell/short/hel\\lo-0123456789abcdef.wav",
        "en/bell/short/hel\0lo-0123456789abcdef.wav",
        "/en/bell/short/hello-0123456789abcdef.wav",
    ],
)
def test_other_paths_are_none(path: str) -> None:
    assert parse_path(path) is None


def test_a_key_is_what_changes_the_sound() -> None:
    facts = {"text": "hello", "speed": 1.0, "seed": 0}
    assert key_of(facts) == key_of(dict(reversed(facts.items())))
    assert key_of(facts) != key_of({**facts, "seed": 1})
    assert len(key_of({"text": "\ud800"})) == 16


def test_a_name_of_many_bytes_still_makes_a_folder() -> None:
    long, other = "𠀀" * 64, "𠀀" * 63 + "𠀁"
    assert len(folder_of(long).encode()) < 255
    assert folder_of(long) != folder_of(other)
    assert folder_of("bell") == "bell"
