"""Japanese symbols depend on the neighbouring sounds, and show the pitch of the phrase."""

from __future__ import annotations

import pytest

from realtime.engines.valle.text_japanese import Phoneme, read, to_symbols


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (["N", "b"], "mb"),
        (["N", "ch"], "n^tʃ"),
        (["N", "g"], "ŋg"),
        (["N", "s"], "Ns"),
        (["N"], "N"),
        (["cl", "ts"], "t#ts"),
        (["cl", "sh"], "sʃ"),
        (["cl"], "Q"),
        (["n", "i"], "n^i"),
        (["ny", "a"], "n^a"),
        (["h", "i"], "çi"),
        (["hy", "o"], "ço"),
        (["ky", "u"], "kjɯ"),
        (["sh", "I"], "ʃi*"),
        (["j", "u"], "dʑɯ"),
    ],
)
def test_a_sound_depends_on_the_next(names: list[str], symbols: str) -> None:
    assert to_symbols([Phoneme(name) for name in names]) == symbols


def test_pitch_marks_hide_no_neighbour_and_a_break_does() -> None:
    assert to_symbols([Phoneme("N", "↓"), Phoneme("b")]) == "m↓b"
    assert to_symbols([Phoneme("N", " "), Phoneme("b")]) == "N b"


def test_words_that_differ_in_pitch_only() -> None:
    assert read("橋の端で箸を") == "ha↑ʃi↓no ha↑ʃide ha↓ʃio"


def test_numbers_letters_and_shares_are_words() -> None:
    assert read("50%") == read("五十パーセント")
    assert read("1,250円") == read("千二百五十円")
    assert read("AI、Bluetooth") == read("エーアイ、ブルートゥース")
