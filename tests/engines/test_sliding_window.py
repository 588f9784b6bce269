"""Windows of a stream: their places, and pieces that are joined again to the same stream, late."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.contract import Samples
from realtime.engines.sliding_window import SlidingWindow, SoundWindow, WindowShape

SHAPE = WindowShape(16_000, 40_000, context=1_600, ahead=320, join=160, search=100)
RANDOM = np.random.default_rng(4)


def stretched(window: SoundWindow) -> Samples:
    """Repeat samples as a model that changes nothing but the rate: five of two."""
    wanted = window.sound[window.start : window.stop]
    return np.repeat(wanted, 5)[::2].astype(np.float32)


def through(sound: Samples, shape: WindowShape, blocks: list[int]) -> Samples:
    windows, parts, at = SlidingWindow(shape), [], 0
    for size in blocks:
        window = windows.window(sound[at : at + size])
        assert window.stop - window.start == size + shape.join
        assert window.sound.size - window.stop == shape.ahead and window.start == shape.context
        assert window.first == at - shape.past
        parts.append(windows.join(stretched(window)))
        assert parts[-1].size == shape.at_output(size)
        at += size
    return np.concatenate(parts)


@pytest.mark.parametrize("blocks", [[1_600] * 8, [160] * 80, [4_000, 160, 320, 8_320]])
def test_a_model_that_changes_nothing_gives_the_stream_late(blocks: list[int]) -> None:
    sound = RANDOM.standard_normal(sum(blocks)).astype(np.float32)
    joined = through(sound, SHAPE, blocks)
    late = SHAPE.at_output(SHAPE.latency)
    assert not joined[:late].any()
    expected = np.repeat(sound, 5)[::2][: joined.size - late]
    np.testing.assert_allclose(joined[late:], expected, atol=1e-6)


def test_what_a_model_hums_before_the_start_is_left_out() -> None:
    windows = SlidingWindow(SHAPE)
    window = windows.window(np.ones(1_600, np.float32))
    hum = np.full(SHAPE.at_output(window.stop - window.start), 0.5, np.float32)
    joined = windows.join(hum)
    late = SHAPE.at_output(SHAPE.latency)
    assert not joined[:late].any() and (joined[late:] == 0.5).all()


def test_a_silent_window_says_so_and_has_a_silent_piece() -> None:
    windows = SlidingWindow(SHAPE)
    window = windows.window(np.zeros(320, np.float32))
    assert window.is_silent and windows.silence(window).size == SHAPE.at_output(320 + SHAPE.join)
    assert not windows.window(np.ones(160, np.float32)).is_silent
    assert not windows.window(np.zeros(160, np.float32)).is_silent  # of its past it is not
