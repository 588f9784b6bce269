"""Silence at the edges of spoken sound, cut while the sound still comes."""

from __future__ import annotations

import numpy as np

from realtime.audio.samples import AUDIBLE, Samples

FAINT = 0.0015  # breath, soft onsets and endings are quieter than AUDIBLE: kept down to here
LEAD_SECONDS = 0.015  # silence that is left before the sound
SOFT_SECONDS = 0.06  # how far before the first audible sample a soft onset is looked for
TAIL_SECONDS = 0.05  # silence that is left after it, faded out


class Trimmer:
    """The edges of one piece of speech: leading silence is cut, trailing silence held back.

    So the pause between two pieces is as long as the text wants it, whatever the engine adds.
    """

    def __init__(
        self, sample_rate: int, lead: bool = True, tail: bool = True, soft: bool = True
    ) -> None:
        self._rate = sample_rate
        self._soft = SOFT_SECONDS if soft else 0.0
        self._started = not lead
        self._cut_tail = tail
        self._held = np.zeros(0, np.float32)
        self.removed = 0  # samples cut from the front

    def feed(self, samples: Samples) -> Samples:
        waiting = np.concatenate([self._held, samples])
        if not self._started:
            waiting = self._cut_lead(waiting)
        if not self._started:
            end = 0
        elif self._cut_tail:
            end = _end_of_sound(waiting)
        else:
            end = waiting.size
        self._held = waiting[end:]
        return waiting[:end]

    def finish(self) -> Samples:
        """Return the end of the piece: the silence that was held back, shortened and faded."""
        if not self._started or not self._held.size:
            return np.zeros(0, np.float32)
        kept = self._held[: round(TAIL_SECONDS * self._rate)].copy()
        kept *= np.cos(np.linspace(0.0, np.pi / 2, kept.size, dtype=np.float32)) ** 2
        return kept

    def _cut_lead(self, waiting: Samples) -> Samples:
        """Return the sound from its onset on; before that keep only what an onset may need."""
        audible = np.flatnonzero(np.abs(waiting) > AUDIBLE)
        room = round((self._soft + LEAD_SECONDS) * self._rate)
        if not audible.size:
            dropped = max(0, waiting.size - room)
            self.removed += dropped
            return waiting[dropped:]
        self._started = True
        onset = self._onset(waiting, int(audible[0]))
        start = max(0, onset - round(LEAD_SECONDS * self._rate))
        self.removed += start
        return _faded_in(waiting[start:], onset - start)

    def _onset(self, waiting: Samples, audible: int) -> int:
        """Find where the sound begins, at most SOFT_SECONDS before its first audible sample."""
        first = max(0, audible - round(self._soft * self._rate))
        faint = np.flatnonzero(np.abs(waiting[first:audible]) > FAINT)
        return first + int(faint[0]) if faint.size else audible


def _end_of_sound(waiting: Samples) -> int:
    faint = np.flatnonzero(np.abs(waiting) > FAINT)
    return int(faint[-1]) + 1 if faint.size else 0


def _faded_in(samples: Samples, length: int) -> Samples:
    if length <= 0:
        return samples
    rise = np.sin(np.linspace(0.0, np.pi / 2, length, dtype=np.float32)) ** 2
    return np.concatenate([samples[:length] * rise, samples[length:]])
