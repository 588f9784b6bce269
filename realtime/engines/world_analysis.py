"""WORLD's analysis of a stream: pitch, envelope and breath of a voice, every 5 ms.

Each frame is found once, with the 40 ms of sound that follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

RATE = 24000
HOP = 120  # 5 ms
GROUP = 4  # frames for which breath is found once: it costs the most and changes the least
STEP = GROUP * HOP
AHEAD = 8 * HOP  # samples after a frame that must be there to find it
PAST = 16 * HOP  # samples before it
MIRRORED = 8 * HOP  # samples put behind the window, see `_found`
LOWEST, HIGHEST = 71.0, 800.0  # Hz, of pitch
FFT = 1024
BINS = FFT // 2 + 1
FAINTEST = 1e-12  # power, which keeps the logarithm finite
COARSE = 4  # pitch is sought at a quarter of the rate, then refined at the full one


@dataclass(frozen=True)
class WorldFrames:
    """Frames in a row; silent ones have a pitch and neither envelope nor breath."""

    pitch: Floats  # Hz; 0: unvoiced
    envelope: Singles  # the natural logarithm of the power at each frequency
    breath: Singles  # the share of noise in the amplitude at each frequency; unvoiced: 1

    @property
    def silent(self) -> bool:
        return not self.envelope.size


def silent_frames(count: int) -> WorldFrames:
    nothing = np.zeros((0, BINS), np.float32)
    return WorldFrames(np.zeros(count), nothing, nothing)


class Analysis:
    """The analysis of one stream; its frames come `AHEAD` samples late."""

    def __init__(self) -> None:
        self._window = np.zeros(PAST + AHEAD)
        self._last: Singles | None = None  # the breath of the last frame, if it was voiced

    def feed(self, samples: Singles) -> WorldFrames:
        """Return as many frames as `samples` lasts, which must be a whole number of steps."""
        window = np.concatenate([self._window, samples])
        self._window = window[samples.size :]
        count = samples.size // HOP
        if not window.any():
            self._last = None
            return silent_frames(count)
        places = slice(PAST // HOP + 1, PAST // HOP + 1 + count)
        return self._found(window, places)

    def _found(self, window: Floats, places: slice) -> WorldFrames:
        import pyworld

        # `dio` finds no pitch near an edge. A mirrored end gives it something periodic to go on
        # with, which saves waiting for the real sound.
        mirrored = np.concatenate([window, window[-2 : -2 - MIRRORED : -1]])
        rough, times = pyworld.dio(
            mirrored, RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, speed=COARSE, frame_period=5.0
        )
        rough, times = rough[places].copy(), times[places].copy()
        pitch = pyworld.stonemask(window, rough, times, RATE)
        power = pyworld.cheaptrick(window, pitch, times, RATE, f0_floor=LOWEST, fft_size=FFT)
        envelope = np.log(power.astype(np.float32) + np.float32(FAINTEST))
        return WorldFrames(pitch, envelope, self._breath(window, pitch, times))

    def _breath(self, window: Floats, pitch: Floats, times: Floats) -> Singles:
        """Find breath at each group's last voiced frame, and interpolate from the group before."""
        import pyworld

        breath = np.ones((pitch.size, BINS), np.float32)
        groups = np.flatnonzero(pitch > 0) // GROUP
        for group in np.unique(groups):
            voiced = np.flatnonzero(pitch > 0)[groups == group]
            last = voiced[-1:]
            found = pyworld.d4c(window, pitch[last], times[last], RATE, fft_size=FFT)
            known = found[0].astype(np.float32)
            start = known if group * GROUP not in voiced or self._last is None else self._last
            share = ((voiced % GROUP + 1) / (last % GROUP + 1)).astype(np.float32)[:, None]
            breath[voiced] = start + (known - start) * share
            self._last = known if last[0] % GROUP == GROUP - 1 else None
        if pitch[-1] <= 0:
            self._last = None
        return breath
