"""Where sentences begin, pause, go on and end."""

from __future__ import annotations

from realtime.conversion.by_words.endpointing import LEAST_FRAMES, SOON_FRAMES, Endpoints, Mark

PAUSE = 11


def marks(*runs: tuple[float, int]) -> list[tuple[int, Mark]]:
    """What is told, and at which frame, of so many frames of each probability."""
    endpoints = Endpoints(PAUSE)
    found, place = [], 0
    for probability, frames in runs:
        for _ in range(frames):
            place += 1
            if (mark := endpoints.feed(probability)) is not None:
                found.append((place, mark))
    return found


def test_a_sentence_begins_pauses_and_ends() -> None:
    assert marks((0.9, 30), (0.0, 40)) == [
        (LEAST_FRAMES, Mark.BEGAN),
        (30 + SOON_FRAMES, Mark.PAUSED),
        (30 + PAUSE, Mark.ENDED),
    ]


def test_a_click_is_no_sentence() -> None:
    assert marks((0.9, LEAST_FRAMES - 1), (0.0, 30), (0.9, LEAST_FRAMES - 1), (0.1, 30)) == []


def test_a_short_pause_does_not_end_a_sentence() -> None:
    assert marks((0.9, 9), (0.0, PAUSE - 1), (0.9, 9), (0.0, PAUSE)) == [
        (LEAST_FRAMES, Mark.BEGAN),
        (9 + SOON_FRAMES, Mark.PAUSED),
        (9 + PAUSE, Mark.WENT_ON),
        (18 + PAUSE - 1 + SOON_FRAMES, Mark.PAUSED),
        (18 + PAUSE - 1 + PAUSE, Mark.ENDED),
    ]


def test_a_breath_between_words_is_not_told() -> None:
    breath = (0.1, SOON_FRAMES - 1)
    assert marks((0.9, 9), breath, (0.9, 9), breath, (0.9, 9)) == [(LEAST_FRAMES, Mark.BEGAN)]


def test_soft_speech_keeps_a_sentence_but_begins_none() -> None:
    assert marks((0.42, 50)) == []
    assert marks((0.9, 5), (0.42, 50)) == [(LEAST_FRAMES, Mark.BEGAN)]


def test_the_next_sentence_begins_afresh() -> None:
    told = [mark for _, mark in marks((0.9, 9), (0.0, PAUSE), (0.9, 9), (0.0, PAUSE))]
    assert told == 2 * [Mark.BEGAN, Mark.PAUSED, Mark.ENDED]


def test_a_pause_of_two_frames_still_pauses_before_it_ends() -> None:
    endpoints = Endpoints(2)
    for _ in range(LEAST_FRAMES):
        endpoints.feed(1.0)
    assert [endpoints.feed(0.0) for _ in range(2)] == [Mark.PAUSED, Mark.ENDED]
