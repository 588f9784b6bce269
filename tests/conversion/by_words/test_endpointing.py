"""Endpointing: sentences begin, pause, go on and end at the right frames."""

from __future__ import annotations

from realtime.conversion.by_words.endpointing import (
    LEAST_FRAMES,
    SOON_FRAMES,
    Endpointer,
    SpeechEvent,
)

PAUSE = 11


def events_of(*runs: tuple[float, int]) -> list[tuple[int, SpeechEvent]]:
    """Return the events, each with its frame, for so many frames of each probability."""
    endpointer = Endpointer(PAUSE)
    found, place = [], 0
    for probability, frames in runs:
        for _ in range(frames):
            place += 1
            if (event := endpointer.feed(probability)) is not None:
                found.append((place, event))
    return found


def test_a_sentence_begins_pauses_and_ends() -> None:
    assert events_of((0.9, 30), (0.0, 40)) == [
        (LEAST_FRAMES, SpeechEvent.BEGAN),
        (30 + SOON_FRAMES, SpeechEvent.PAUSED),
        (30 + PAUSE, SpeechEvent.ENDED),
    ]


def test_a_click_is_no_sentence() -> None:
    assert events_of((0.9, LEAST_FRAMES - 1), (0.0, 30), (0.9, LEAST_FRAMES - 1), (0.1, 30)) == []


def test_a_short_pause_does_not_end_a_sentence() -> None:
    assert events_of((0.9, 9), (0.0, PAUSE - 1), (0.9, 9), (0.0, PAUSE)) == [
        (LEAST_FRAMES, SpeechEvent.BEGAN),
        (9 + SOON_FRAMES, SpeechEvent.PAUSED),
        (9 + PAUSE, SpeechEvent.WENT_ON),
        (18 + PAUSE - 1 + SOON_FRAMES, SpeechEvent.PAUSED),
        (18 + PAUSE - 1 + PAUSE, SpeechEvent.ENDED),
    ]


def test_a_breath_between_words_is_no_pause() -> None:
    breath = (0.1, SOON_FRAMES - 1)
    assert events_of((0.9, 9), breath, (0.9, 9), breath, (0.9, 9)) == [
        (LEAST_FRAMES, SpeechEvent.BEGAN)
    ]


def test_soft_speech_keeps_a_sentence_but_begins_none() -> None:
    assert events_of((0.42, 50)) == []
    assert events_of((0.9, 5), (0.42, 50)) == [(LEAST_FRAMES, SpeechEvent.BEGAN)]


def test_the_next_sentence_begins_afresh() -> None:
    events = [event for _, event in events_of((0.9, 9), (0.0, PAUSE), (0.9, 9), (0.0, PAUSE))]
    assert events == 2 * [SpeechEvent.BEGAN, SpeechEvent.PAUSED, SpeechEvent.ENDED]


def test_a_pause_of_two_frames_still_pauses_before_it_ends() -> None:
    endpointer = Endpointer(2)
    for _ in range(LEAST_FRAMES):
        endpointer.feed(1.0)
    assert [endpointer.feed(0.0) for _ in range(2)] == [SpeechEvent.PAUSED, SpeechEvent.ENDED]
