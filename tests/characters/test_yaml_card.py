"""Tests of cards: allowed entries are read, others refused with the key and what is allowed."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.characters.yaml_card import MOST_BYTES, BadCard, CharacterCard, read_card

FULL = """
display_name: "Dawn — 夜明け"
engine: kokoro
language: en
native: [ja, en, ja]
gender: female
description: |
  Two lines
  become one.
licence: Apache-2.0
source: "https://example.org/dawn"
speed: 1.25
median_pitch: 187.5
aliases: [Aurora, "Y'shtola"]
picture: dawn.png
engines: {en: hibari, mix: "brought:nana"}
voice: {af_heart: 3, bf_emma: 0.5}
"""


def test_everything_that_can_be_said_is_kept() -> None:
    card = read_card(FULL.encode())
    assert card == CharacterCard(
        display_name="Dawn — 夜明け",
        engine="kokoro",
        language="en",
        native=("ja", "en"),
        gender="female",
        description="Two lines become one.",
        licence="Apache-2.0",
        source="https://example.org/dawn",
        speed=1.25,
        median_pitch=187.5,
        aliases=("Aurora", "Y'shtola"),
        picture="dawn.png",
        engines={"en": "hibari", "mix": "brought:nana"},
        voice={"af_heart": 3.0, "bf_emma": 0.5},
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "\ufeff"])
def test_nothing_said_is_fine(text: str) -> None:
    assert read_card(text.encode()) == CharacterCard()


def test_a_named_voice_is_its_only_part() -> None:
    assert read_card(b"voice: jf_alpha").voice == {"jf_alpha": 1.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pich: 3", ["'pich'", "there are", "picture"]),
        ("Speed: 1", ["'Speed'", "did you mean speed?"]),
        ("3: 4", ["3 is no key"]),
        ("speed: 9", ["speed is 9", "0.25 to 4"]),
        ("speed: yes", ["speed is True", "number"]),
        ("speed: .nan", ["speed is nan"]),
        ("speed: '1'", ["speed is '1'"]),
        ("language: fr", ["language is 'fr'", "en, zh, ja"]),
        ("language: no", ["language is False", "en, zh, ja"]),
        ("native: en", ["native is 'en'", "list"]),
        ("native: []", ["native is []", "en, zh, ja"]),
        ("native: [en, fr]", ["native", "en, zh, ja"]),
        ("gender: f", ["female, male"]),
        ("display_name: 42", ["display_name is 42", "quotes"]),
        ("display_name: ''", ["display_name", "1 to 80"]),
        ('description: "a\\0b"', ["description", "printed"]),
        ('source: "\\ud800"', ["source", "printed"]),
        ("source: 2024-01-01", ["source", "quotes"]),
        ("source: 2024-99-99", ["YAML"]),
        ("aliases: nova", ["aliases is 'nova'", "list"]),
        ("aliases: [nova, a/b]", ["aliases", "'a/b' is no name"]),
        ("picture: ../dawn.png", ["picture", "is no name"]),
        ("picture: dawn.svg", ["picture", ".png"]),
        ("engines: hibari", ["engines", "languages"]),
        ("engines: {fr: hibari}", ["engines", "en, zh, ja, mix"]),
        ("engines: {en: 3}", ["engines", "3 is no name"]),
        ('engines: {en: "brought:../nana"}', ["engines", "is no name"]),
        ("voice: 3", ["voice is 3", "weights"]),
        ("voice: {}", ["voice is {}"]),
        ("voice: {a: 0}", ["voice", "weight 0"]),
        ("voice: {a: -1, b: 1}", ["voice", "weight -1"]),
        ("voice: {a: .inf}", ["voice", "weight inf"]),
        ("voice: {a: true}", ["voice", "weight True"]),
        ("voice: ../etc/passwd", ["voice", "is no name"]),
        ("speed: 1\nspeed: 2", ["'speed' is said twice"]),
        ("- a\n- b", ["keys with values"]),
        ("just words", ["keys with values"]),
        ("a: b: c", ["YAML"]),
        ("a: &x 1\nb: *x", ["references"]),
        ("a: !!python/object:os.system x", ["tags"]),
        ("a: !!int ''", ["tags"]),
        ("a: [[[[[[[[1]]]]]]]]", ["nested"]),
        ("--- 1\n--- 2", ["YAML"]),
    ],
)
def test_what_cannot_be_used_is_told_with_the_key(text: str, told: list[str]) -> None:
    with pytest.raises(BadCard) as refused:
        read_card(text.encode())
    message = str(refused.value)
    assert all(part in message for part in told), message
    assert "\n" not in message and len(message) < 600


def test_bytes_that_are_no_text_are_told_as_that() -> None:
    with pytest.raises(BadCard, match="not UTF-8"):
        read_card(b"display_name: \xff\xfe")


def test_small_files_cannot_unfold_into_big_ones() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24)
    )
    for text in (bomb, "[" * 8_000, "{a: " * 4_000, "- " * 8_000):
        started = time.monotonic()
        with pytest.raises(BadCard):
            read_card(text.encode())
        assert time.monotonic() - started < 5
    with pytest.raises(BadCard, match=f"limit is {MOST_BYTES}"):
        read_card(b"#" * (MOST_BYTES + 1))


@given(st.text(max_size=200) | st.text("abc:{}[]-*&!#'\" \n0_.", max_size=60))
@example("speed: 0b_")
@example("? [a, b]\n: c")
@example("speed: 1" + "0" * 5_000)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(read_card(text.encode("utf-8", "surrogatepass")), CharacterCard)
    except BadCard as refused:
        assert str(refused)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert isinstance(read_card(data), CharacterCard)
    except BadCard as refused:
        assert str(refused)
