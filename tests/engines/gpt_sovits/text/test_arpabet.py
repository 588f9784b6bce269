"""Phonemes of the project's English reader become ARPABET."""

from __future__ import annotations

import pytest

from realtime.engines.gpt_sovits.text.arpabet import same_sound, to_arpabet
from realtime.engines.gpt_sovits.text.symbols import numbers


@pytest.mark.parametrize(
    ("phonemes", "phones"),
    [
        ("həlˈO", "HH AH0 L OW1"),
        ("hˈWz", "HH AW1 Z"),
        ("ɹəkˈɔɹd", "R AH0 K AO1 R D"),
        ("wˈɜɹdi", "W ER1 D IY0"),
        ("ʧˈæt", "CH AE1 T"),
        ("pˈipᵊl", "P IY1 P AH0 L"),
    ],
)
def test_a_stress_goes_to_the_vowel_after_it(phonemes: str, phones: str) -> None:
    assert " ".join(to_arpabet(phonemes)) == phones


def test_all_phones_are_in_the_table() -> None:
    from realtime.engines.gpt_sovits.text.arpabet import _CONSONANTS, _VOWELS

    found = to_arpabet("".join(f"ˈ{vowel}" for vowel in _VOWELS) + "".join(_CONSONANTS))
    assert all(phone in numbers("v1") for phone in found)


def test_weak_vowels_make_no_other_word_and_consonants_do() -> None:
    assert same_sound("R AH0 K AO1 R D".split(), "R IH0 K AO1 R D".split())
    assert not same_sound("HH AW1 S".split(), "HH AW1 Z".split())
    assert not same_sound("R EH1 K ER0 D".split(), "R IH0 K AO1 R D".split())
