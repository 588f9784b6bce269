"""A converter without a model: WORLD analyses the voice, its frames are changed and spoken again.

The delay is the 40 ms of `AHEAD`. Pitch is measured frame by frame, and moved by semitones or by
the distance of the speaker's own median from the target.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from realtime import blocks
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.engines.world_analysis import (
    AHEAD,
    BINS,
    HIGHEST,
    LOWEST,
    PAST,
    RATE,
    STEP,
    Analysis,
    Floats,
    Singles,
    WorldFrames,
)
from realtime.engines.world_synthesis import PulseTrain
from realtime.settings import Settings
from realtime.weights import WeightFile

Indices = npt.NDArray[np.int64]

BLOCK = RATE // 50  # 20 ms
LOWEST_MADE, HIGHEST_MADE = 40.0, 1_000.0  # Hz, of the pitch that comes out
FREQUENCIES = np.arange(BINS) * (RATE / 2 / (BINS - 1))
# A breathy voice keeps its tone at low frequencies, where noise sounds hoarse.
BREATHY = np.clip(FREQUENCIES / 3_000.0, 0.0, 1.0).astype(np.float32) ** 1.5
# A whisper lacks the larynx, which gives a voice its low frequencies: they are lowered.
WHISPERED = (2.0 * np.log((FREQUENCIES + 1.0) / (FREQUENCIES + 400.0)) - 0.4).astype(np.float32)


class World:
    """The converter: pitch, formants and breath of any voice, within 40 ms."""

    name = "world"
    version = "1"
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self, settings: Settings) -> None:
        pass

    def load(self) -> None:
        import pyworld  # noqa: F401 -- the first import takes a moment

    def unload(self) -> None:
        pass

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return ConversionPlan(
            RATE, RATE, step=STEP, block=BLOCK, latency=AHEAD, context=PAST + AHEAD
        )

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        analysis, voice = Analysis(), PulseTrain(change.seed)
        changer = FrameChanger(change)
        early = AHEAD  # samples of output before the first frame: they are silent
        for block in blocks:
            cancel.check()
            sound = voice.feed(changer.change(analysis.feed(block)))
            if early:
                sound[:early] = 0.0
                early = max(0, early - sound.size)
            yield np.clip(sound, -1.0, 1.0)


class FrameChanger:
    """The change of one stream's frames."""

    def __init__(self, change: VoiceChange) -> None:
        self._change = change
        self._speaker = MedianPitch()
        self._warp = _warp(change.formant) if change.formant != 1.0 else None

    def change(self, frames: WorldFrames) -> WorldFrames:
        """Return the frames of the changed voice."""
        if self._change.speaker is None:
            self._speaker.add(frames.pitch)
        if frames.silent:
            return frames
        envelope, breath = frames.envelope, frames.breath
        if self._warp is not None:
            envelope, breath = _warped(envelope, self._warp), _warped(breath, self._warp)
        voiced = frames.pitch > 0
        if self._change.effect == "whisper":
            envelope = envelope + WHISPERED * voiced[:, None]
            return WorldFrames(np.zeros_like(frames.pitch), envelope, np.ones_like(breath))
        if self._change.breath:
            tone = (1.0 - breath**2) * (1.0 - self._change.breath * BREATHY) ** 2
            breath = np.sqrt(1.0 - tone)
        return WorldFrames(np.where(voiced, self._pitch(frames.pitch), 0.0), envelope, breath)

    def _pitch(self, pitch: Floats) -> Floats:
        change = self._change
        if change.effect == "robot":
            pitch = np.full_like(pitch, self._speaker_pitch())
        factor = 1.0
        if change.pitch is not None:
            factor = 2.0 ** (change.pitch / 12.0)
        elif change.target is not None:
            factor = change.target / self._speaker_pitch()
        return np.clip(pitch * factor, LOWEST_MADE, HIGHEST_MADE)

    def _speaker_pitch(self) -> float:
        return self._change.speaker or self._speaker.value()


class MedianPitch:
    """A speaker's median pitch as it becomes known, in steps of a tenth of a semitone.

    It begins at a middle pitch that counts as much as a fifth of a second of speech, and forgets
    speech from more than about half a minute of voice ago.
    """

    START = 160.0  # Hz
    START_FRAMES = 40.0  # the weight of that start: a fifth of a second
    KEPT = 1.0 - 1.0 / 6_000.0  # of each frame's weight with the next frame: 6,000 are 30 s
    STEPS = 120  # an octave

    def __init__(self) -> None:
        count = int(np.log2(HIGHEST / LOWEST) * self.STEPS) + 2
        self._weights = np.zeros(count)
        # The start is spread over the range of all voices, so that a few words outweigh it.
        near = np.arange(count) - np.log2(self.START / LOWEST) * self.STEPS
        spread = np.exp(-0.5 * (near / (0.4 * self.STEPS)) ** 2)
        self._weights += self.START_FRAMES * spread / spread.sum()

    def add(self, pitch: Floats) -> None:
        """Count the voiced frames among these."""
        voiced = pitch[pitch > 0]
        if not voiced.size:
            return
        self._weights *= self.KEPT**voiced.size
        steps = np.log2(np.clip(voiced, LOWEST, HIGHEST) / LOWEST) * self.STEPS
        np.add.at(self._weights, np.rint(steps).astype(int), 1.0)

    def value(self) -> float:
        """Give the median so far in Hz, interpolated between two steps."""
        summed = np.cumsum(self._weights)
        half = 0.5 * summed[-1]
        place = int(np.searchsorted(summed, half))
        below = summed[place - 1] if place else 0.0
        share = (half - below) / max(self._weights[place], 1e-12)
        return float(LOWEST * 2.0 ** ((place - 0.5 + share) / self.STEPS))


def median_pitch(samples: Samples, rate: int) -> float | None:
    """Measure the median pitch of a recording's voice in Hz; None where nothing is voiced."""
    import pyworld

    sound = samples.astype(np.float64)
    rough, times = pyworld.dio(sound, rate, f0_floor=LOWEST, f0_ceil=HIGHEST)
    pitch = pyworld.stonemask(sound, rough, times, rate)
    voiced = pitch[pitch > 0]
    return round(float(np.median(voiced)), 1) if voiced.size else None


def voiced_seconds(samples: Samples, rate: int) -> float:
    """Count the seconds in which a recording has a pitch, which no noise has for long."""
    import pyworld

    rough, _ = pyworld.dio(samples.astype(np.float64), rate, f0_floor=LOWEST, f0_ceil=HIGHEST)
    return float(np.mean(rough > 0)) * samples.size / rate


def _warp(ratio: float) -> tuple[Indices, Singles]:
    """Give each bin's source when formants move up by `ratio`: a bin, and the share of the next."""
    source = np.minimum(np.arange(BINS) / ratio, BINS - 1.001)
    return source.astype(int), (source % 1.0).astype(np.float32)


def _warped(values: Singles, warp: tuple[Indices, Singles]) -> Singles:
    index, share = warp
    warped: Singles = values[:, index] * (1 - share) + values[:, index + 1] * share
    return warped
