"""Crossfades: no cut is heard where pieces agree, also when they do not lie exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.audio.crossfade import Joiner, Samples

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "converters"
RATE = 16000
FADE, SEARCH, BLOCK = 160, 160, 1_600


def sine(count: int, pitch: float = 200.0) -> Samples:
    return np.sin(2 * np.pi * pitch * np.arange(count) / RATE).astype(np.float32)


def joined(sound: Samples, moves: list[int]) -> Samples:
    """Join overlapping pieces of one sound, each moved by a few samples."""
    joiner = Joiner(FADE, SEARCH)
    found = []
    for number, move in enumerate(moves):
        start = number * BLOCK + move
        found.append(joiner.join(sound[start : start + BLOCK + joiner.extra]))
    return np.concatenate(found)


def test_pieces_that_fit_are_joined_as_if_never_cut() -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 9 * BLOCK).astype(np.float32)
    found = joined(noise, [0] * 8)
    assert np.allclose(found, noise[: found.size], atol=1e-6)


@pytest.mark.parametrize("pitch", [110.0, 200.0, 437.0])
def test_pieces_that_were_moved_are_moved_back(pitch: float) -> None:
    moves = [0, 37, 5, 61, 12, 80, 3, 44]
    found = joined(sine(10 * BLOCK, pitch), moves)
    step = 2 * np.pi * pitch / RATE
    assert np.abs(np.diff(found)).max() < 1.15 * step
    assert found.size == len(moves) * BLOCK
    assert np.sqrt(np.mean(found**2)) == pytest.approx(np.sqrt(0.5), rel=0.03)


def test_silence_is_not_moved() -> None:
    joiner = Joiner(FADE, SEARCH)
    quiet = np.zeros(BLOCK + joiner.extra, np.float32)
    joiner.join(quiet)
    later = quiet.copy()
    later[700] = 1.0
    assert np.flatnonzero(joiner.join(later)).tolist() == [700]


def test_pieces_are_joined_as_the_published_converter_joins_them() -> None:
    """The same places; its fade begins half a sample earlier, and its first piece fades in."""
    with np.load(FIXTURES / "joins.npz") as file:
        pieces, expected = file["in.pieces"], file["out.rvc_joined_pv0"]
        offsets, fade = file["out.rvc_offsets_pv0"], file["out.rvc_fade_in"].size
    size = expected.shape[1]
    search = 441
    assert offsets.max() <= search
    joiner = Joiner(fade, search)
    for number, piece in enumerate(pieces):
        found = joiner.join(piece[: size + joiner.extra])
        start = 0 if number else fade
        np.testing.assert_allclose(found[start:], expected[number][start:], atol=1e-4)
