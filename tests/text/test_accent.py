"""Tests of accents: they keep within the sounds of their own language."""

from __future__ import annotations

import pytest

from realtime.text.accent import apply_accent, only_han


@pytest.mark.parametrize(("text", "expected"), [("東京", True), ("東京へ", False), ("3月", True)])
def test_only_han(text: str, expected: bool) -> None:
    assert only_han(text) is expected


def test_an_english_mouth_has_no_tones_and_stresses_each_word() -> None:
    assert apply_accent("ni↓xau↓", "zh", "en") == "nˈihɑu"
    assert apply_accent("saɾa niwa", "ja", "en") == "sˈɑɹɑ nˈiwɑ"


def test_a_chinese_mouth_gives_every_syllable_a_tone() -> None:
    assert apply_accent("həlˈO", "en", "zh") == "xə→lou↘"
    assert apply_accent("saɾa", "ja", "zh") == "sa→la→"
