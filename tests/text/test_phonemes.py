"""Tests of aligning sounds with the text that they speak."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.text.phonemes import Sound, align


def test_the_same_text_stays() -> None:
    sounds = [Sound("one ", "wʌn "), Sound("two", "tu")]
    assert align("one two", sounds) == sounds


def test_words_for_a_number_become_one_sound_with_its_digits() -> None:
    said = [Sound(word + " ", word + " ") for word in "it costs nine dollars now".split()]
    found = align("it costs $9 now", said)
    assert [sound.text for sound in found] == ["it", "costs", "$9", "now"]
    assert found[2].phonemes == "nine dollars "


@given(
    st.text("ab1 .", max_size=40), st.lists(st.text("ab1 .", min_size=1, max_size=5), max_size=9)
)
def test_no_phoneme_is_lost_and_texts_come_in_order(source: str, words: list[str]) -> None:
    said = [Sound(word, word.upper()) for word in words]
    found = align(source, said)
    assert "".join(sound.phonemes for sound in found) == "".join(words).upper()
    place = 0
    for sound in found:
        place = source.index(sound.text, place) if sound.text else place
