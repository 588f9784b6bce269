"""Tests of reading Japanese: dates, counters, times, letters and foreign words."""

from __future__ import annotations

import pytest

from realtime.text.japanese import read


def phonemes_of(text: str) -> str:
    found = "".join(sound.phonemes for sound in read(text))
    return found.replace(" ", "")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3月5日", "さんがついつか"),
        ("1本", "いっぽん"),
        ("1,250円", "千二百五十円"),
        ("12:30", "十二時三十分"),
        ("50%", "ごじゅっパーセント"),
        ("AI", "エーアイ"),
        ("Bluetooth", "ブルートゥース"),
    ],
)
def test_written_and_meant_sound_alike(written: str, meant: str) -> None:
    assert phonemes_of(written) == phonemes_of(meant)


def test_signs_become_pauses() -> None:
    assert phonemes_of("はい。まあ、「ね」！") == "hai.maː,“ne”!"


def test_words_keep_their_text() -> None:
    assert [sound.text for sound in read("3月5日です。")] == ["3月", "5日", "です", "。"]
