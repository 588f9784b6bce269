"""Silence at the edges of what is spoken, cut while sound still comes; it knows no engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

AUDIBLE = 300 / 32768  # what is held to be heard
FAINT = 0.0015  # breath and soft onsets before it, and endings after it, are kept down to here
LEAD_SECONDS = 0.015
SOFT_SECONDS = 0.06  # how far before the first audible sample a soft onset is looked for
TAIL_SECONDS = 0.05


class Trimmer:
    """One piece on its way: its leading silence is shortened, its trailing silence held back.

    What follows is then joined with a pause that is made and not left to chance.
    """

    def __init__(
        self, sample_rate: int, lead: bool = True, tail: bool = True, soft: bool = True
    ) -> None:
        self._rate = sample_rate
        self._soft = SOFT_SECONDS if soft else 0.0
        self._begun = not lead
        self._cut_tail = tail
        self._held = np.zeros(0, np.float32)
        self.removed = 0  # samples cut from the front

    def feed(self, samples: Samples) -> Samples:
        waiting = np.concatenate([self._held, samples])
        if not self._begun:
            waiting = self._begin(waiting)
        end = self._sounding_end(waiting) if self._begun and self._cut_tail else waiting.size
        if not self._begun:
            end = 0
        self._held = waiting[end:]
        return waiting[:end]

    def finish(self) -> Samples:
        """The end of the piece: the silence that was held back, shortened."""
        if not self._begun or not self._held.size:
            return np.zeros(0, np.float32)
        kept = self._held[: round(TAIL_SECONDS * self._rate)].copy()
        kept *= np.cos(np.linspace(0.0, np.pi / 2, kept.size, dtype=np.float32)) ** 2
        return kept

    def _begin(self, waiting: Samples) -> Samples:
        """What is left when sound has begun; before that all but a soft onset's room is dropped."""
        heard = np.flatnonzero(np.abs(waiting) > AUDIBLE)
        room = round((self._soft + LEAD_SECONDS) * self._rate)
        if not heard.size:
            dropped = max(0, waiting.size - room)
            self.removed += dropped
            return waiting[dropped:]
        self._begun = True
        onset = self._onset(waiting, int(heard[0]))
        start = max(0, onset - round(LEAD_SECONDS * self._rate))
        self.removed += start
        return _faded_in(waiting[start:], onset - start)

    def _onset(self, waiting: Samples, heard: int) -> int:
        first = max(0, heard - round(self._soft * self._rate))
        faint = np.flatnonzero(np.abs(waiting[first:heard]) > FAINT)
        return first + int(faint[0]) if faint.size else heard

    def _sounding_end(self, waiting: Samples) -> int:
        faint = np.flatnonzero(np.abs(waiting) > FAINT)
        return int(faint[-1]) + 1 if faint.size else 0


def _faded_in(samples: Samples, length: int) -> Samples:
    if length <= 0:
        return samples
    rise = np.sin(np.linspace(0.0, np.pi / 2, length, dtype=np.float32)) ** 2
    return np.concatenate([samples[:length] * rise, samples[length:]])
