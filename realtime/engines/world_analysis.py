"""What a voice is made of, every 5 ms: pitch, envelope and breath, found as the sound comes.

It knows no change and makes no sound. Each frame is found once, with a little of what comes after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

RATE = 24000
HOP = 120  # 5 ms
GROUP = 4  # frames in which breath is found once: it costs most and changes least
STEP = GROUP * HOP
AHEAD = 8 * HOP  # what is heard after a frame before the frame is told
PAST = 16 * HOP
MIRRORED = 8 * HOP
LOWEST, HIGHEST = 71.0, 800.0
FFT = 1024
BINS = FFT // 2 + 1
FAINTEST = 1e-12
COARSE = 4  # pitch is sought at a quarter of the rate, then refined at the full one


@dataclass(frozen=True)
class WorldFrames:
    """Frames in a row: nothing but pitch where there is no sound at all."""

    pitch: Floats  # Hz; 0: unvoiced
    envelope: Singles  # the natural logarithm of the power at each frequency
    breath: Singles  # the share of the amplitude that is noise: 1 where nothing is voiced

    @property
    def silent(self) -> bool:
        return not self.envelope.size


def silence(count: int) -> WorldFrames:
    nothing = np.zeros((0, BINS), np.float32)
    return WorldFrames(np.zeros(count), nothing, nothing)


class Analysis:
    """One stream's frames: after n samples all those are known that lie `AHEAD` before the end."""

    def __init__(self) -> None:
        self._window = np.zeros(PAST + AHEAD)
        self._last: Singles | None = None  # the breath of the last frame, if it was voiced

    def feed(self, samples: Singles) -> WorldFrames:
        """The next frames, as many as `samples` is long; a whole number of steps."""
        window = np.concatenate([self._window, samples])
        self._window = window[samples.size :]
        count = samples.size // HOP
        if not window.any():
            self._last = None
            return silence(count)
        places = slice(PAST // HOP + 1, PAST // HOP + 1 + count)
        return self._found(window, places)

    def _found(self, window: Floats, places: slice) -> WorldFrames:
        import pyworld

        # The seeker of pitch trusts no edge. A mirror gives it something periodic to go on with,
        # which saves waiting for what really comes.
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
        """Found at the last voiced frame of each group; on the way there from the one before."""
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
