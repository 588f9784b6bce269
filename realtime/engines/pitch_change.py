"""The change of a voice's pitch: by semitones, or by the distance of its median from a target."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.engines.voice_change import VoiceChange
from realtime.engines.world import MedianPitch

Floats = npt.NDArray[np.float64]

FRAMES = 2  # of WORLD's 5 ms, in which the median counts, for one of 10 ms


class PitchChange:
    """The change of one stream's pitch, which comes in windows that overlap."""

    def __init__(self, change: VoiceChange) -> None:
        self._change = change
        self._speaker = MedianPitch()
        self._learnt = 0  # frames that the speaker's median is learnt from

    def changed(self, pitch: npt.NDArray[np.floating], first: int) -> Floats:
        """Return the pitch in Hz of the frames of 10 ms from `first` on; 0, no pitch, stays."""
        found = pitch.astype(np.float64)
        self.learn(found, first)
        if self._change.effect == "whisper":
            return np.zeros_like(found)
        if self._change.effect == "robot":
            found = np.where(found > 0, self._speaker_pitch(), 0.0)
        changed: Floats = found * self.factor()
        return changed

    def learn(self, pitch: Floats, first: int) -> None:
        """Learn the speaker's median from the frames of 10 ms that no window had before."""
        if self._change.speaker is None:
            self._speaker.add(np.repeat(pitch[max(0, self._learnt - first) :], FRAMES))
            self._learnt = max(self._learnt, first + pitch.size)

    def factor(self) -> float:
        """Return by how much the pitch is to be multiplied, as far as the speaker is known."""
        change = self._change
        if change.pitch is not None:
            return float(2.0 ** (change.pitch / 12.0))
        return 1.0 if change.target is None else change.target / self._speaker_pitch()

    def _speaker_pitch(self) -> float:
        return self._change.speaker or self._speaker.value()
