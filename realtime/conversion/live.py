"""Another voice, live: a microphone's stream through a converter; it knows no web.

A live stream never falls behind. When computing takes too long its blocks grow, then the voice
passes unconverted until converting is possible again; every such change is told as a notice.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np

from realtime.audio.samples import Pcm
from realtime.conversion.clock_drift import ClockDrift
from realtime.conversion.converter_stream import ConverterStream
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.conversion.overload import OverloadGuard, State
from realtime.conversion.signal_path import Bypass, SignalPath, checked_rate
from realtime.conversion.timings import TimingReport, Timings
from realtime.engines.contract import ConversionPlan, Converter, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.models.model import Lease

PATIENCE_SECONDS = 0.25  # how long a block may take before the voice passes without it
TRIED_HZ = 150.0  # a trial is voiced: silence would cost nothing
MESSAGES = {
    "larger_blocks": "Converting takes long: blocks last {ms:.0f} ms now.",
    "bypass": "Converting takes too long: the voice passes as it is.",
    "recovered": "The voice is converted without extra delay again.",
}
LEFT_OUT = "{ms:.0f} ms of the microphone were not taken in time and are left out."


@dataclass(frozen=True)
class ConversionNotice:
    """How a live conversion is doing."""

    code: State
    message: str


class Conversion:
    """One microphone, live: `feed` and `end` on one side, `output` on the other.

    `played` tells how many seconds of the output its listener has played, None while that is not
    known; where it is given, a playback clock that is not the microphone's is followed.
    """

    def __init__(
        self,
        models: LoadedModels,
        engine: str,
        change: VoiceChange,
        rate: int,
        output_rate: int | None = None,
        *,
        block_seconds: float | None = None,
        played: Callable[[], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.change = change
        self.rate = checked_rate("sample_rate", rate)
        self.output_rate = checked_rate("output_sample_rate", output_rate or rate)
        self.intake = MicrophoneBuffer(rate, clock)
        self.meter = Timings()
        self.clock, self.played, self.patience = clock, played, patience
        self._model = models.converter(engine)
        self._block_seconds = block_seconds

    async def feed(self, pcm: Pcm) -> None:
        """Waits only for who sends faster than time passes."""
        await self.intake.add(pcm)

    def end(self) -> None:
        """The microphone has ended: what it sent is converted to its end."""
        self.intake.end()

    def hush(self) -> None:
        """What is on its way is over in a moment: nothing waits here to be heard."""

    def stop(self) -> None:
        """Nothing more is wanted; what waits is left out."""
        self.intake.clear()

    def read_timings(self) -> TimingReport | None:
        """What its blocks took since this was last asked."""
        return self.meter.read()

    async def output(self) -> AsyncGenerator[Pcm | ConversionNotice, None]:
        """The other voice as it comes, and notices; closing it early frees the engine."""
        async with self._model.lease("a microphone") as lease:
            course = _Course(self, lease, self._plan(lease))
            try:
                async with aclosing(course.run()) as items:
                    async for item in items:
                        yield item
            finally:
                await course.aclose()

    def _plan(self, lease: Lease[Converter]) -> ConversionPlan:
        plan = lease.engine.plan(self.change)
        if plan.whole:
            raise BadRequest(
                f"The engine {self._model.name!r} needs whole recordings and cannot convert live.",
                code="not_live",
                hint="For a model of one's own: say block, context and causal in its model.yaml.",
                field="engine",
            )
        if self._block_seconds is not None:
            steps = max(1, round(self._block_seconds * plan.rate / plan.step))
            return replace(plan, block=steps * plan.step)
        return plan


class _Course:
    """A live conversion under way on a loaded engine."""

    def __init__(self, asked: Conversion, lease: Lease[Converter], plan: ConversionPlan) -> None:
        self._asked, self._lease, self._plan = asked, lease, plan
        self._intake, self._clock, self._meter = asked.intake, asked.clock, asked.meter
        self._meter.latency = (plan.latency + plan.block) / plan.rate
        self._meter.block = plan.block / plan.rate
        follows = asked.played is not None
        self._passage = SignalPath(plan, asked.change, asked.rate, asked.output_rate, follows)
        self._around = Bypass(plan)
        self._load = OverloadGuard()
        self._drift = ClockDrift()
        self._given = 0.0  # seconds
        self._left_out = 0
        self._fresh = False  # whether the stream has yet to hear what was said before it
        self._leaving: set[asyncio.Task[None]] = set()
        self._trial: asyncio.Task[tuple[float, float]] | None = None
        self._turns: ConverterStream | None = self._begun()

    async def run(self) -> AsyncGenerator[Pcm | ConversionNotice, None]:
        while (pcm := await self._intake.take(self._wanted())) is not None:
            if (over := self._intake.left_out - self._left_out) > 0:
                self._left_out += over
                yield ConversionNotice("bypass", LEFT_OUT.format(ms=1000 * over / self._asked.rate))
            heard, changed = await self._heard(self._passage.enter(pcm))
            if heard.size:
                yield heard
            if changed:
                yield self._notice()
        ended = False
        while not ended:
            heard, _ = await self._heard(self._passage.silence(self._plan.block))
            heard, ended = self._passage.last(heard)
            if heard.size:
                yield heard

    async def aclose(self) -> None:
        if self._trial is not None:
            self._trial.cancel()
            await asyncio.gather(self._trial, return_exceptions=True)
        if self._turns is not None:
            await self._turns.aclose()
        await asyncio.gather(*self._leaving)

    def _wanted(self) -> int:
        return self._passage.needed(self._plan.block * self._load.size)

    def _begun(self) -> ConverterStream:
        return ConverterStream(self._lease, self._asked.change, self._plan, self._due, self._clock)

    def _due(self) -> float:
        """Soon: a block that has arrived is to be heard before the next one has."""
        return self._intake.arrived + self._plan.block / self._plan.rate

    async def _heard(self, block: Samples) -> tuple[Pcm, bool]:
        """What is heard for a block, and whether it was the load that changed by it."""
        if not block.size:
            return np.zeros(0, np.int16), False
        wet, changed = None, False
        if self._turns is not None:
            wet, changed = await self._converted(self._turns, block)
        elif self._may_convert():
            self._turns, self._fresh, changed = self._begun(), True, True
        heard = self._passage.leave(self._around.leave(block, wet))
        self._meter.passed(block.size / self._plan.rate)
        self._follow(heard)
        return heard, changed

    async def _converted(
        self, turns: ConverterStream, block: Samples
    ) -> tuple[Samples | None, bool]:
        wet = None
        started = self._clock()
        try:
            async with asyncio.timeout(self._asked.patience):
                wet = await self._primed(turns, block)
        except TimeoutError:
            changed = self._load.lost(self._clock())
        else:
            now, sound = self._clock(), block.size / self._plan.rate
            changed = self._load.worked(now - started, sound, now)
            begun = max(started, turns.begun)  # silence may never have reached the engine
            self._meter.worked(begun - started, now - begun, sound)
        if self._load.bypassed:
            self._turns = None
            # An engine that does not come back keeps its lane, but not the voice.
            leaving = asyncio.create_task(turns.aclose())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        return wet, changed

    async def _primed(self, turns: ConverterStream, block: Samples) -> Samples:
        """The block's sound; a stream that begins in the middle hears first what came before."""
        if self._fresh:
            self._fresh = False
            if self._plan.context:
                await turns.convert(self._around.context)
        return await turns.convert(block)

    def _may_convert(self) -> bool:
        """While the voice passes as it is, trials tell when it can be converted again."""
        if self._trial is None:
            if self._load.trial_due(self._clock()):
                self._trial = asyncio.create_task(self._tried())
            return False
        if not self._trial.done():
            return False
        trial, self._trial = self._trial, None
        return self._load.tried(*trial.result(), self._clock())

    async def _tried(self) -> tuple[float, float]:
        """How long a new stream takes for a block, and how long that block sounds."""
        block = self._tone(self._plan.block * self._load.trial_size)
        turns = self._begun()
        started = self._clock()
        try:
            await turns.convert(self._tone(self._plan.context))
            started = self._clock()
            await turns.convert(block)
        except YamabikoError:
            return math.inf, 1.0
        finally:
            await turns.aclose()
        return self._clock() - started, block.size / self._plan.rate

    def _tone(self, count: int) -> Samples:
        place = np.arange(count) * (TRIED_HZ / self._plan.rate)
        return (0.2 * (place % 1.0) - 0.1).astype(np.float32)

    def _follow(self, heard: Pcm) -> None:
        seconds = heard.size / self._asked.output_rate
        self._given += seconds
        played = self._asked.played() if self._asked.played is not None else None
        if played is not None and seconds:
            self._passage.adjust(self._drift.ratio(self._given, played, seconds))

    def _notice(self) -> ConversionNotice:
        ms = 1000 * self._load.size * self._plan.block / self._plan.rate
        code = self._load.state
        return ConversionNotice(code, MESSAGES[code].format(ms=ms))
