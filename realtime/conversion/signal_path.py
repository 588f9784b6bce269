"""The signal path to a converter and back: sample rates, noise gate, alignment, and a bypass.

What comes out begins with the first sample that went in, and is as long.
"""

from __future__ import annotations

import numpy as np

from realtime.audio.samples import RATES, Pcm, from_pcm16, to_pcm16
from realtime.conversion.noise_gate import NoiseGate
from realtime.conversion.resampler import StreamResampler
from realtime.engines.contract import ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest

FADE_SECONDS = 0.01


class SignalPath:
    """The path of one stream; it adds no delay but the converter's, and takes that off again."""

    def __init__(
        self,
        plan: ConversionPlan,
        change: VoiceChange,
        rate: int,
        output_rate: int,
        adjustable: bool = False,
    ) -> None:
        self._plan = plan
        self._scale = output_rate / rate
        self._inward = StreamResampler(rate, plan.rate)
        self._gate = NoiseGate(change.gate, plan.rate)
        self._rest = np.zeros(0, np.float32)  # less than a step, for the next block
        # Output samples from before the first input: a late converter begins with them.
        self._before_start = plan.latency * plan.output_rate // plan.rate
        self._outward = StreamResampler(plan.output_rate, output_rate, adjustable)
        self._ratio = 1.0
        self._owed = 0.0  # output samples for those that came in
        self._given = 0  # output samples

    def input_needed(self, count: int) -> int:
        """Return how many PCM samples must come in before the converter can get `count`."""
        return max(0, self._inward.input_needed(count - self._rest.size))

    def set_ratio(self, ratio: float) -> None:
        """Give the output `ratio` times as fast as the input came, from here on."""
        self._ratio = ratio
        self._outward.set_ratio(ratio)

    def to_converter(self, pcm: Pcm) -> Samples:
        """Return the whole steps that the converter can be given now."""
        self._owed += pcm.size * self._scale / self._ratio
        return self._whole_steps(self._inward.feed(from_pcm16(pcm)))

    def silence(self, count: int) -> Samples:
        """Return at least `count` samples of silence that push the converter's tail out."""
        needed = self.input_needed(count)
        return self._whole_steps(self._inward.feed(np.zeros(needed, np.float32)))

    def from_converter(self, samples: Samples) -> Pcm:
        early = min(self._before_start, samples.size)
        self._before_start -= early
        pcm = to_pcm16(self._outward.feed(samples[early:]))
        self._given += pcm.size
        return pcm

    def trim_tail(self, pcm: Pcm) -> tuple[Pcm, bool]:
        """Cut what is beyond the length of the input; the flag says that the end is reached."""
        over = self._given - round(self._owed)
        if over > 0:
            pcm = pcm[: max(0, pcm.size - over)]
        return pcm, over >= 0

    def _whole_steps(self, samples: Samples) -> Samples:
        held = np.concatenate([self._rest, samples])
        whole = held.size - held.size % self._plan.step
        self._rest = held[whole:]
        return self._gate.feed(held[:whole])


class Bypass:
    """The unconverted voice of one stream, as late as its converter gives the converted one."""

    def __init__(self, plan: ConversionPlan) -> None:
        self._plan = plan
        self._history = np.zeros(max(plan.latency, plan.context), np.float32)
        self._fade = round(FADE_SECONDS * plan.output_rate)
        self._converted_end: Samples | None = None  # of the last block, where it was converted
        self._bypassing = False

    @property
    def context(self) -> Samples:
        """Return the sound that a converter's stream which begins now should get first."""
        return self._history[self._history.size - self._plan.context :].copy()

    def output(self, dry: Samples, wet: Samples | None) -> Samples:
        """Return the converted block, or the unconverted one where that is None.

        A change from one to the other fades.
        """
        delayed = self._delayed(dry)
        was_bypassing, self._bypassing = self._bypassing, wet is None
        if wet is not None:
            self._converted_end = wet[-self._fade - 1 :].copy()
            return self._crossfade(delayed, wet) if was_bypassing else wet
        end, self._converted_end = self._converted_end, None
        return delayed if end is None else self._fade_out(end, delayed)

    def _delayed(self, dry: Samples) -> Samples:
        """Return the block from before, at the output rate, with the latency of the converter."""
        sound = np.concatenate([self._history, dry])
        self._history = sound[sound.size - self._history.size :]
        start = sound.size - dry.size - self._plan.latency
        if self._plan.rate == self._plan.output_rate:
            return sound[start : start + dry.size]
        count = dry.size * self._plan.output_rate // self._plan.rate
        positions = start + np.arange(count) * (self._plan.rate / self._plan.output_rate)
        between: Samples = np.interp(positions, np.arange(sound.size), sound).astype(np.float32)
        return between

    def _fade_out(self, converted_end: Samples, delayed: Samples) -> Samples:
        """Fade from the converted voice, whose next block is missing, to the unconverted one."""
        # Its end played backwards goes on from its last sample without a step.
        mirrored = converted_end[-2::-1][: delayed.size]
        before = np.zeros_like(delayed)
        before[: mirrored.size] = mirrored
        return self._crossfade(before, delayed)

    def _crossfade(self, before: Samples, after: Samples) -> Samples:
        count = min(self._fade, after.size)
        rise = np.sin(0.5 * np.pi * (np.arange(count) + 0.5) / max(1, count)) ** 2
        sound = after.copy()
        sound[:count] = after[:count] * rise + before[:count] * rise[::-1]
        return sound


def checked_rate(name: str, rate: int) -> int:
    """Return the rate; refuse one that a live stream cannot have."""
    if rate not in RATES:
        allowed = ", ".join(map(str, RATES))
        raise BadRequest(f"{name} is {rate}; there are: {allowed}.", field=name)
    return rate
