"""The numbers that a voice is given for each of its frames: content, volume and pitch.

Everything here counts from the first sample of a stream, or of a window of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

CONTENT_RATE = 16_000  # Hz, of the sound that the encoder and the pitch estimators hear
PITCH_SECONDS = 0.01  # between two values of a pitch estimator
VOLUME_RATE = 44_100  # Hz, for which `volume_smooth_size` is said
FILTER_WIDTH = 128  # zero crossings of the resampler's filter, as published
LEAST_SOUND = 400  # samples at 16 kHz: the encoder gives no frame for less
WIDENED = 4  # frames by which 6.0 and 6.1 keep sound before and after loud frames

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


def content_sound(sound: Tensor, rate: int) -> Tensor:
    """Return (batch, samples) at 16 kHz, with silence behind a sound that is too short."""
    from torch.nn import functional
    from torchaudio.functional import resample

    made: Tensor = resample(sound, rate, CONTENT_RATE, lowpass_filter_width=FILTER_WIDTH)
    return functional.pad(made, (0, max(0, LEAST_SOUND - made.shape[1])))


def unit_index(
    frames: int, hop: float, rate: int, unit_hop: int, count: int, first: int = 0
) -> Indices:
    """Return for each frame from `first` on the nearest of `count` units.

    Half goes to the even one. Both frames and units count from the same moment.
    """
    place = np.arange(first, first + frames) * hop * CONTENT_RATE / (rate * unit_hop)
    return np.minimum(np.rint(place).astype(np.int64), count - 1)


def frame_volume(sound: Singles, hop: float) -> Singles:
    """Return the root mean square around each frame, as 6.0 and 6.1 have it."""
    frames, width = int(sound.size // hop) + 1, int(hop)
    padded = _mirrored(np.square(sound.astype(np.float64)), width // 2, (width + 1) // 2)
    edges = (np.arange(frames + 1) * hop).astype(np.int64)
    return np.sqrt(_means(padded, edges[:-1], edges[1:])).astype(np.float32)


def smooth_volume(sound: Singles, hop: float, rate: int, smooth: int) -> Singles:
    """Return the standard deviation over a longer window around each frame, as 6.2 and later."""
    frames, width = int(sound.size // hop) + 1, int(smooth * rate / VOLUME_RATE)
    padded = _mirrored(sound.astype(np.float64), width // 2, width // 2)
    starts = (np.arange(frames) * hop).astype(np.int64)
    means = _means(padded, starts, starts + width)
    squares = _means(np.square(padded), starts, starts + width)
    return np.sqrt(np.maximum(squares - np.square(means), 0.0)).astype(np.float32)


def sound_mask(volume: Singles, threshold: float, hop: int, widened: bool) -> Singles:
    """Return a factor for each sample: 1 where a frame is louder than `threshold` in dBFS."""
    loud = volume > 10.0 ** (threshold / 20.0)
    if widened:
        padded = np.pad(loud, WIDENED, mode="edge")
        loud = np.lib.stride_tricks.sliding_window_view(padded, 2 * WIDENED + 1).max(axis=1)
    place = np.arange(loud.size * hop) / hop
    factors = np.interp(place, np.arange(loud.size), loud.astype(np.float64))
    samples: Singles = factors.astype(np.float32)
    return samples


def frame_pitch(pitch: Floats, frames: int, hop: float, rate: int, start: float = 0.0) -> Floats:
    """Return the pitch in Hz of each frame, 0 where there is none.

    `pitch` has a value each 10 ms; the first frame begins `start` samples behind the first value.
    """
    if not (pitch > 0).any():
        return np.zeros(frames)
    times, places = (start + np.arange(frames) * hop) / rate, np.arange(pitch.size) * PITCH_SECONDS
    unvoiced = np.interp(times, places, (pitch <= 0).astype(np.float64))
    found: Floats = np.interp(times, places, filled_pitch(pitch)) * (unvoiced <= 0.5)
    return found


def filled_pitch(pitch: Floats, lowest: float = 0.0) -> Floats:
    """Fill gaps in a straight line, hold the ends, and keep to at least `lowest`."""
    voiced = np.flatnonzero(pitch > 0)
    if voiced.size:
        pitch = np.interp(np.arange(pitch.size), voiced, pitch[voiced])
    return np.maximum(pitch, lowest)


def _mirrored(values: Floats, before: int, after: int) -> Floats:
    if values.size <= max(before, after):
        return np.pad(values, (before, after))  # too short to be mirrored
    return np.pad(values, (before, after), mode="reflect")


def _means(values: Floats, starts: Indices, ends: Indices) -> Floats:
    """Return the mean of the values between each start and its end."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.minimum(ends, values.size)
    means: Floats = (sums[ends] - sums[starts]) / (ends - starts)
    return means
