"""A stream's sound on its way to a converter and back: rates, gate, alignment, the way around.

It knows no lane and no time. What leaves begins with what entered first, and is as long.
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
    """One stream's way in and way out."""

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
        self._rest = np.zeros(0, np.float32)
        self._early = plan.latency * plan.output_rate // plan.rate
        self._outward = StreamResampler(plan.output_rate, output_rate, adjustable)
        self._ratio = 1.0
        self._owed = 0.0  # samples that are to leave for those that entered
        self._given = 0

    def needed(self, count: int) -> int:
        """How much PCM must enter before the converter can be given `count` samples."""
        return max(0, self._inward.needed(count - self._rest.size))

    def adjust(self, ratio: float) -> None:
        """Leave `ratio` times as fast as it was entered."""
        self._ratio = ratio
        self._outward.adjust(ratio)

    def enter(self, pcm: Pcm) -> Samples:
        """What the converter can be given now: whole steps."""
        self._owed += pcm.size * self._scale / self._ratio
        return self._steps(self._inward.feed(from_pcm16(pcm)))

    def silence(self, count: int) -> Samples:
        """What follows the end of what enters, for the tail to come out."""
        return self._steps(self._inward.feed(np.zeros(self.needed(count), np.float32)))

    def leave(self, samples: Samples) -> Pcm:
        early = min(self._early, samples.size)
        self._early -= early
        pcm = to_pcm16(self._outward.feed(samples[early:]))
        self._given += pcm.size
        return pcm

    def last(self, pcm: Pcm) -> tuple[Pcm, bool]:
        """What may leave of the tail, and whether that was all."""
        over = self._given - round(self._owed)
        return (pcm[: max(0, pcm.size - over)] if over > 0 else pcm), over >= 0

    def _steps(self, samples: Samples) -> Samples:
        held = np.concatenate([self._rest, samples])
        whole = held.size - held.size % self._plan.step
        self._rest = held[whole:]
        return self._gate.feed(held[:whole])


class Bypass:
    """The way around the converter: what entered, as late as the converter would give it."""

    def __init__(self, plan: ConversionPlan) -> None:
        self._plan = plan
        kept = max(plan.latency, plan.context)
        self._heard = np.zeros(kept, np.float32)
        self._fade = round(FADE_SECONDS * plan.output_rate)
        self._last: Samples | None = None  # how the last converted block ended
        self._dry = False

    @property
    def context(self) -> Samples:
        """What a converter's stream that begins now should hear first."""
        return self._heard[self._heard.size - self._plan.context :].copy()

    def leave(self, dry: Samples, wet: Samples | None) -> Samples:
        """The converted block, or without one the unconverted; a change fades."""
        late = self._late(dry)
        was_dry, self._dry = self._dry, wet is None
        if wet is None:
            sound = late if was_dry or self._last is None else self._out(late)
            self._last = None
            return sound
        self._last = wet[-self._fade - 1 :].copy()
        return self._faded(late, wet) if was_dry else wet

    def _late(self, dry: Samples) -> Samples:
        heard = np.concatenate([self._heard, dry])
        self._heard = heard[heard.size - self._heard.size :]
        start = heard.size - dry.size - self._plan.latency
        if self._plan.rate == self._plan.output_rate:
            return heard[start : start + dry.size]
        count = dry.size * self._plan.output_rate // self._plan.rate
        places = start + np.arange(count) * (self._plan.rate / self._plan.output_rate)
        between: Samples = np.interp(places, np.arange(heard.size), heard).astype(np.float32)
        return between

    def _out(self, late: Samples) -> Samples:
        """Nothing follows the last converted block: its end goes backwards while it fades."""
        assert self._last is not None, "somebody was heard before"
        end = self._last[-2::-1][: late.size]
        ended = np.zeros_like(late)
        ended[: end.size] = end
        return self._faded(ended, late)

    def _faded(self, before: Samples, after: Samples) -> Samples:
        count = min(self._fade, after.size)
        rise = np.sin(0.5 * np.pi * (np.arange(count) + 0.5) / max(1, count)) ** 2
        sound = after.copy()
        sound[:count] = after[:count] * rise + before[:count] * rise[::-1]
        return sound


def checked_rate(name: str, rate: int) -> int:
    """The rate, if it is one that may be asked for."""
    if rate not in RATES:
        there = ", ".join(map(str, RATES))
        raise BadRequest(f"{name} is {rate}; there are: {there}.", field=name)
    return rate
