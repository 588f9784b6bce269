"""Sample rate conversion of a stream, with a ratio that may be moved a little while it runs.

No delay is added: output sample n belongs to input time n. It can be given as soon as the half
filter behind it is there: 1.3 ms at 24 kHz. Positions are whole numbers, so that no rounding adds
up over hours. The filters are sines cardinal in a Kaiser window, interpolated between table rows.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

CROSSINGS = 32  # of zero, on each side of the filter
PASSED = 0.92  # of what the lower of the two rates can hold
BETA = 8.0  # of the Kaiser window: what should be gone is about 80 dB below
LEAST_ROWS = 256
FINE = 1 << 20  # parts of a row: how finely a ratio can be set


class StreamResampler:
    """The resampler of one stream.

    Equal rates pass untouched, unless the ratio is to be `adjustable`.
    """

    def __init__(self, source: int, target: int, adjustable: bool = False) -> None:
        common = gcd(source, target)
        up, down = target // common, source // common
        self._untouched = source == target and not adjustable
        # A multiple of `up`, so that between two rates every position falls exactly on a row.
        self._rows = up * ceil(LEAST_ROWS / up)
        self._unit = self._rows * FINE  # of position, in one sample that comes in
        self._nominal_step = self._step = self._unit * down // up
        self._table = _filters(self._rows, min(1.0, target / source))
        self._half = self._table.shape[1] // 2
        self._held = np.zeros(0 if self._untouched else self._half - 1, np.float32)
        self._position = (self._half - 1) * self._unit  # of the next sample, in what is held

    def set_ratio(self, ratio: float) -> None:
        """Give the sound `ratio` times as fast from here on."""
        self._step = round(self._nominal_step * ratio)

    def input_needed(self, count: int) -> int:
        """Return how many samples must come in before `count` more can be given."""
        if self._untouched:
            return count
        last = self._position + (count - 1) * self._step
        return int(max(0, last // self._unit + self._half + 1 - self._held.size))

    def feed(self, samples: Samples) -> Samples:
        """Return the samples at the other rate that can be given by now."""
        if self._untouched:
            return samples
        self._held = np.concatenate([self._held, samples])
        known = (self._held.size - self._half) * self._unit
        count = max(0, ceil((known - self._position) / self._step))
        positions = self._position + self._step * np.arange(count, dtype=np.int64)
        output = self._read(positions)
        self._position += self._step * count
        done = min(self._position // self._unit - self._half + 1, self._held.size)
        self._held, self._position = self._held[done:], self._position - done * self._unit
        return output

    def _read(self, positions: npt.NDArray[np.int64]) -> Samples:
        if not positions.size or not self._held.any():
            return np.zeros(positions.size, np.float32)
        start = positions // self._unit - (self._half - 1)
        rows, share = np.divmod(positions % self._unit, FINE)
        around = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self._half)[start]
        weights = self._table[rows]
        if share.any():
            part = (share / FINE).astype(np.float32)[:, None]
            weights = weights + part * (self._table[rows + 1] - weights)
        output: Samples = np.einsum("ij,ij->i", around, weights)
        return output


@lru_cache(32)
def _filters(rows: int, band: float) -> Samples:
    """Compute a filter for each of so many places between two samples, and one for the next."""
    half = ceil(CROSSINGS / band)
    cut = band * PASSED
    away = np.arange(1 - half, half + 1) - np.arange(rows + 1)[:, None] / rows
    window = np.i0(BETA * np.sqrt(np.clip(1.0 - (away / half) ** 2, 0.0, 1.0)))
    table = np.sinc(cut * away) * window
    filters: Samples = (table / table.sum(1, keepdims=True)).astype(np.float32)
    return filters
