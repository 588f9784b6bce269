"""A sentence's samples: a little before and behind it, and where a long one is cut."""

from __future__ import annotations

import numpy as np

from realtime.conversion.by_words.sentence import (
    AFTER_SECONDS,
    BEFORE_SECONDS,
    LEAST_SECONDS,
    MOST_SECONDS,
    GrowingSentence,
)
from realtime.engines.contract import Samples

RATE, FRAME = 16000, 512


def frame(number: float) -> Samples:
    return np.full(FRAME, number, np.float32)


def numbers(samples: Samples) -> list[float]:
    return [float(value) for value in samples[::FRAME]]


def grown(frames: int, begun_at: int, speech_frames: int = 3) -> GrowingSentence:
    growing = GrowingSentence(RATE, FRAME)
    for number in range(frames):
        growing.add(frame(number))
        if number + 1 == begun_at:
            growing.begin(speech_frames)
    return growing


def test_a_little_before_and_behind_belongs_to_it() -> None:
    growing = grown(120, begun_at=50)
    sentence = growing.end(quiet_frames=30)
    before, after = round(BEFORE_SECONDS * RATE / FRAME), round(AFTER_SECONDS * RATE / FRAME)
    assert numbers(sentence.samples) == list(range(50 - before, 90 + after))
    assert sentence.start == 47 * FRAME


def test_what_was_said_so_far_stays_there() -> None:
    growing = grown(60, begun_at=20)
    so_far = growing.so_far(quiet_frames=3)
    assert np.array_equal(so_far.samples, growing.end(quiet_frames=3).samples)


def test_silence_is_forgotten() -> None:
    growing = grown(100_000, begun_at=0)
    growing.begin(3)
    assert growing.so_far(0).samples.size <= BEFORE_SECONDS * RATE + FRAME


def test_the_end_of_one_sentence_is_not_in_the_next() -> None:
    growing = grown(40, begun_at=10)
    first = numbers(growing.end(quiet_frames=4).samples)
    for number in range(40, 60):
        growing.add(frame(number))
        if number == 43:
            growing.begin(3)
    second = numbers(growing.end(quiet_frames=0).samples)
    assert not {value for value in first if value < 36} & set(second)
    assert second[-1] == 59 and 41 in second


def test_a_long_one_is_cut_at_its_quietest_place() -> None:
    growing = GrowingSentence(RATE, FRAME)
    total = round(MOST_SECONDS * RATE / FRAME)
    quiet = round(0.7 * total)
    growing.begin(0)
    for number in range(total):
        assert not growing.full
        growing.add(frame(0.001 if abs(number - quiet) < 4 else 1 + number))
    assert growing.full
    first = growing.cut()
    assert abs(first.samples.size // FRAME - quiet) <= 1
    rest = growing.end(quiet_frames=0)
    assert first.samples.size + rest.samples.size == total * FRAME
    assert rest.start == first.samples.size


def test_even_an_even_hum_leaves_parts_of_some_length() -> None:
    growing = GrowingSentence(RATE, FRAME)
    growing.begin(0)
    while not growing.full:
        growing.add(frame(1))
    assert growing.cut().samples.size >= LEAST_SECONDS * RATE
    assert not growing.full
