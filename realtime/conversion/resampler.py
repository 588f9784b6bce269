"""Samples at one rate into another with hardly any delay, a hair faster or slower when asked.

It knows no engine. Time stands still: what was heard at a moment is given for that moment, as soon
as the 1.3 ms after it are there. Positions are whole numbers, so nothing adds up over hours.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

CROSSINGS = 32  # of zero, on each side of the filter
PASSED = 0.92  # of what the lower of the two rates can hold
BETA = 8.0
LEAST_ROWS = 256
FINE = 1 << 20  # parts of a row: how finely a ratio can be set


class StreamResampler:
    """One stream. Equal rates pass untouched, unless the ratio is to be `adjustable`."""

    def __init__(self, source: int, target: int, adjustable: bool = False) -> None:
        common = gcd(source, target)
        up, down = target // common, source // common
        self._through = source == target and not adjustable
        self._rows = up * ceil(LEAST_ROWS / up)
        self._unit = self._rows * FINE  # of position, in one sample that comes in
        self._nominal = self._step = self._unit * down // up
        self._table = _table(self._rows, min(1.0, target / source))
        self._half = self._table.shape[1] // 2
        self._held = np.zeros(0 if self._through else self._half - 1, np.float32)
        self._place = (self._half - 1) * self._unit  # of the next sample, in what is held

    def adjust(self, ratio: float) -> None:
        """Give the sound `ratio` times as fast from here on."""
        self._step = round(self._nominal * ratio)

    def needed(self, count: int) -> int:
        """How many samples must come in before `count` more can be given."""
        if self._through:
            return count
        last = self._place + (count - 1) * self._step
        return int(max(0, last // self._unit + self._half + 1 - self._held.size))

    def feed(self, samples: Samples) -> Samples:
        if self._through:
            return samples
        self._held = np.concatenate([self._held, samples])
        known = (self._held.size - self._half) * self._unit
        count = max(0, ceil((known - self._place) / self._step))
        places = self._place + self._step * np.arange(count, dtype=np.int64)
        given = self._read(places)
        self._place += self._step * count
        gone = min(self._place // self._unit - self._half + 1, self._held.size)
        self._held, self._place = self._held[gone:], self._place - gone * self._unit
        return given

    def _read(self, places: npt.NDArray[np.int64]) -> Samples:
        if not places.size or not self._held.any():
            return np.zeros(places.size, np.float32)
        start = places // self._unit - (self._half - 1)
        rows, share = np.divmod(places % self._unit, FINE)
        around = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self._half)[start]
        weights = self._table[rows]
        if share.any():
            part = (share / FINE).astype(np.float32)[:, None]
            weights = weights + part * (self._table[rows + 1] - weights)
        given: Samples = np.einsum("ij,ij->i", around, weights)
        return given


@lru_cache(32)
def _table(rows: int, band: float) -> Samples:
    """A filter for each place between two samples, and one more to lie between."""
    half = ceil(CROSSINGS / band)
    cut = band * PASSED
    away = np.arange(1 - half, half + 1) - np.arange(rows + 1)[:, None] / rows
    window = np.i0(BETA * np.sqrt(np.clip(1.0 - (away / half) ** 2, 0.0, 1.0)))
    table = np.sinc(cut * away) * window
    filters: Samples = (table / table.sum(1, keepdims=True)).astype(np.float32)
    return filters
