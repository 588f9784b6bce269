"""Blocks of tokens and the times of their words."""

from __future__ import annotations

from realtime.audio.spoken import Word
from realtime.engines.tokens import TokenBlock, word_times

DURATIONS = [0.3, 0.1, 0.2, 0.1, 0.4]  # silence, three tokens, silence


def block() -> TokenBlock:
    made = TokenBlock()
    made.add("Hi", [5, 6])
    made.add("you", [7])
    return made


def test_words_last_as_long_as_their_tokens() -> None:
    assert word_times(block(), DURATIONS) == (Word("Hi", 0.3, 0.6), Word("you", 0.6, 0.7))


def test_what_was_left_out_at_the_front_moves_the_words() -> None:
    assert word_times(block(), DURATIONS, 0.25) == (Word("Hi", 0.05, 0.35), Word("you", 0.35, 0.45))


def test_no_word_ends_after_the_sound() -> None:
    assert word_times(block(), DURATIONS, 0.1, 0.65)[-1] == Word("you", 0.5, 0.55)


def test_no_word_begins_before_the_sound() -> None:
    assert word_times(block(), DURATIONS, 0.35)[0] == Word("Hi", 0.0, 0.25)
