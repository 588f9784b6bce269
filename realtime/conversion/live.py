"""Conversion of a live microphone to another voice.

A live stream never falls behind: when computing takes too long its blocks grow, then the voice
passes unconverted until converting is possible again. Every such change is given as a notice.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

import numpy as np

from realtime.audio.samples import Pcm
from realtime.conversion.clock_drift import ClockDrift
from realtime.conversion.converter_stream import ConverterStream
from realtime.conversion.denoising import OFF, Microphone, clean_microphone
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.conversion.notices import ConversionNotice, left_out_notice, overload_notice
from realtime.conversion.overload import OverloadGuard
from realtime.conversion.signal_path import Bypass, SignalPath, checked_rate
from realtime.conversion.timings import TimingReport, Timings
from realtime.engines.contract import ConversionPlan, Converter, Samples, TimesItself
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.models.model import Lease

PATIENCE_SECONDS = (
    0.25  # that a block may take beyond its length before the voice passes without it
)
TRIAL_HZ = 150.0  # a trial is voiced: silence would cost nothing


class Conversion:
    """A live microphone and its conversion: `feed` and `end` on one side, `output` on the other.

    `played` returns how many seconds of the output its listener has played, or None while that is
    not known; where it is given, the output follows a playback clock that is not the microphone's.
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
        denoise: str = OFF,
        played: Callable[[], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.change = replace(change, source_rate=rate)
        self.rate = checked_rate("sample_rate", rate)
        self.output_rate = checked_rate("output_sample_rate", output_rate or rate)
        self.buffer = MicrophoneBuffer(rate, clock)
        self.timings = Timings()
        self.clock, self.played, self.patience = clock, played, patience
        self._models = models
        self._model = models.converter(engine)
        self.engine = self._model.id
        self._block_seconds = block_seconds
        self._denoise = denoise

    async def feed(self, pcm: Pcm) -> None:
        """Take the microphone's sound; wait only for a sender that is faster than time."""
        await self.buffer.add(pcm)

    def end(self) -> None:
        """End the microphone: what it sent is converted to its end."""
        self.buffer.end()

    def hush(self) -> None:
        """Do nothing: unlike sentences to be spoken, no converted sound waits here."""

    def stop(self) -> None:
        """End at once and leave out what waits."""
        self.buffer.clear()

    def read_timings(self) -> TimingReport | None:
        """Report what the blocks took since the last call."""
        return self.timings.read()

    async def output(self) -> AsyncGenerator[Pcm | ConversionNotice, None]:
        """Yield the other voice as it comes, and notices; closing it early frees the engine."""
        async with AsyncExitStack() as stack:
            lease = await stack.enter_async_context(self._model.lease("a microphone"))
            plan = self._plan(lease)
            microphone = await stack.enter_async_context(
                clean_microphone(self._models, self.buffer, self.rate, self._denoise)
            )
            running = _RunningConversion(self, lease, plan, microphone)
            try:
                async with aclosing(running.run()) as items:
                    async for item in items:
                        yield item
            finally:
                await running.aclose()

    def _plan(self, lease: Lease[Converter]) -> ConversionPlan:
        plan = lease.engine.plan(self.change)
        if plan.whole:
            raise BadRequest(
                f"The engine {self._model.id!r} needs whole recordings and cannot convert live.",
                code="not_live",
                hint="Send a recording to POST /api/process instead. For a model of one's own: say "
                "block, context and causal in its model.yaml.",
                field="engine",
            )
        if self._block_seconds is not None:
            steps = max(1, round(self._block_seconds * plan.rate / plan.step))
            return replace(plan, block=steps * plan.step)
        return plan


class _RunningConversion:
    """A live conversion on a loaded engine."""

    def __init__(
        self,
        conversion: Conversion,
        lease: Lease[Converter],
        plan: ConversionPlan,
        microphone: Microphone,
    ) -> None:
        self._conversion, self._lease, self._plan = conversion, lease, plan
        self._buffer, self._clock = microphone, conversion.clock
        self._timings = conversion.timings
        self._timings.latency = (plan.latency + plan.block) / plan.rate + microphone.latency
        self._timings.block = plan.block / plan.rate
        self._path = SignalPath(
            plan,
            conversion.change,
            conversion.rate,
            conversion.output_rate,
            adjustable=conversion.played is not None,
        )
        self._bypass = Bypass(plan)
        self._overload = OverloadGuard()
        self._slow = self._overload.begin(self._measured_load, self._clock())
        self._drift = ClockDrift()
        self._given_seconds = 0.0
        self._reported_left_out = 0  # samples
        self._needs_context = False  # the stream has yet to get the sound from before its start
        self._closing: set[asyncio.Task[None]] = set()
        self._trial: asyncio.Task[tuple[float, float]] | None = None
        self._stream = None if self._overload.bypassed else self._new_stream()

    async def run(self) -> AsyncGenerator[Pcm | ConversionNotice, None]:
        if self._slow:
            yield self._overload_notice(self._measured_load(1))
        while (pcm := await self._buffer.take(self._input_wanted())) is not None:
            if (notice := self._left_out_notice()) is not None:
                yield notice
            sound, changed = await self._process(self._path.to_converter(pcm))
            if sound.size:
                yield sound
            if changed:
                yield self._overload_notice()
        ended = False
        while not ended:
            sound, _ = await self._process(self._path.silence(self._plan.block))
            sound, ended = self._path.trim_tail(sound)
            if sound.size:
                yield sound

    async def aclose(self) -> None:
        if self._trial is not None:
            self._trial.cancel()
            await asyncio.gather(self._trial, return_exceptions=True)
        if self._stream is not None:
            await self._stream.aclose()
        await asyncio.gather(*self._closing)

    def _input_wanted(self) -> int:
        return self._path.input_needed(self._plan.block * self._overload.blocks_at_once)

    def _new_stream(self) -> ConverterStream:
        change = self._conversion.change
        return ConverterStream(self._lease, change, self._plan, self._due, self._clock)

    def _due(self) -> float:
        """Return when a block that has arrived is due: before the next one has arrived."""
        return self._buffer.arrived + self._plan.block / self._plan.rate

    async def _process(self, block: Samples) -> tuple[Pcm, bool]:
        """Return the output for a block, and whether the overload's state changed by it."""
        if not block.size:
            return np.zeros(0, np.int16), False
        converted, changed = None, False
        if self._stream is not None:
            converted, changed = await self._convert(self._stream, block)
        elif self._trials_succeeded():
            self._stream, self._needs_context, changed = self._new_stream(), True, True
        sound = self._path.from_converter(self._bypass.output(block, converted))
        self._timings.add_sound(block.size / self._plan.rate)
        self._follow_player(sound)
        return sound, changed

    async def _convert(
        self, stream: ConverterStream, block: Samples
    ) -> tuple[Samples | None, bool]:
        """Return the converted block, or None where it took too long; and whether that changed."""
        converted = None
        started = self._clock()
        try:
            async with asyncio.timeout(self._conversion.patience + block.size / self._plan.rate):
                converted = await self._convert_with_context(stream, block)
        except TimeoutError:
            changed = self._overload.block_timed_out(self._clock())
        else:
            now, seconds = self._clock(), block.size / self._plan.rate
            changed = self._overload.block_converted(now - started, seconds, now)
            # Silence may never have reached the engine, whose last start is then an older block's.
            began = max(started, stream.block_started)
            self._timings.add_block(began - started, now - began, seconds)
        if self._overload.bypassed:
            self._stream = None
            # In a task: an engine that hangs keeps its lane, but must not keep the voice.
            closing = asyncio.create_task(stream.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return converted, changed

    async def _convert_with_context(self, stream: ConverterStream, block: Samples) -> Samples:
        """Convert a block; a stream that began in the middle gets the sound from before first."""
        if self._needs_context:
            self._needs_context = False
            if self._plan.context:
                await stream.convert(self._bypass.context)
        return await stream.convert(block)

    def _trials_succeeded(self) -> bool:
        """Start and read trials, which show whether the voice can be converted again."""
        if self._trial is None:
            if self._overload.trial_due(self._clock()):
                self._trial = asyncio.create_task(self._run_trial())
            return False
        if not self._trial.done():
            return False
        trial, self._trial = self._trial, None
        seconds, sound = trial.result()
        return self._overload.trial_converted(seconds, sound, self._clock())

    async def _run_trial(self) -> tuple[float, float]:
        """Return how long a new stream takes for a block, and how long that block sounds."""
        block = self._trial_sound(self._plan.block * self._overload.trial_blocks)
        stream = self._new_stream()
        try:
            # Not measured: a stream is begun once, and its context is got through once.
            await stream.convert(self._trial_sound(self._plan.context))
            started = self._clock()
            await stream.convert(block)
        except YamabikoError:
            return math.inf, 1.0
        finally:
            await stream.aclose()
        return self._clock() - started, block.size / self._plan.rate

    def _trial_sound(self, count: int) -> Samples:
        """Make a quiet sawtooth."""
        periods = np.arange(count) * (TRIAL_HZ / self._plan.rate)
        return (0.2 * (periods % 1.0) - 0.1).astype(np.float32)

    def _follow_player(self, sound: Pcm) -> None:
        seconds = sound.size / self._conversion.output_rate
        self._given_seconds += seconds
        played = self._conversion.played() if self._conversion.played is not None else None
        if played is not None and seconds:
            self._path.set_ratio(self._drift.update(self._given_seconds, played, seconds))

    def _left_out_notice(self) -> ConversionNotice | None:
        samples = self._buffer.left_out - self._reported_left_out
        if samples <= 0:
            return None
        self._reported_left_out += samples
        return left_out_notice(samples / self._conversion.rate)

    def _measured_load(self, blocks: int) -> float:
        """Estimate computing time by sounding time, from the block that was timed at load.

        What a block costs is taken to be for its whole window, with the sound before it.
        """
        engine, plan = self._lease.engine, self._plan
        seconds = engine.block_seconds if isinstance(engine, TimesItself) else None
        if seconds is None:
            return 0.0
        usual = engine.plan(self._conversion.change)
        size = blocks * plan.block
        return seconds * (plan.context + size) / (plan.context + usual.block) * plan.rate / size

    def _overload_notice(self, measured_load: float | None = None) -> ConversionNotice:
        seconds = self._overload.blocks_at_once * self._plan.block / self._plan.rate
        return overload_notice(self._overload.state, seconds, measured_load)
