"""A live voice: the same however it is cut, never mixed, never late; a bypass is reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.audio.samples import RATES, Pcm
from realtime.conversion.file import convert_recording
from realtime.conversion.live import Conversion
from realtime.conversion.notices import ConversionNotice
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, SynthesisFailed
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from tests.support.fake_converters import (
    FailingConverter,
    InvertingConverter,
    ManualClock,
    WholeRecordingConverter,
    models_of,
)
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

OPEN = VoiceChange(gate=-90.0)
RATE = 16000
BLOCK = 320

Inverting = tuple[InvertingConverter, LoadedModels, ManualClock]


def live(*arguments: Any, **options: Any) -> Conversion:
    """Make a conversion with so much patience that no busy machine bypasses it."""
    return Conversion(*arguments, **{"patience": 60.0, **options})


async def output_of(conversion: Conversion) -> tuple[Pcm, list[str]]:
    """Return the whole output, and the codes of its notices."""
    sound, notices = [np.zeros(0, np.int16)], []
    async for item in conversion.output():
        if isinstance(item, ConversionNotice):
            assert item.message
            notices.append(item.code)
        else:
            sound.append(item)
    return np.concatenate(sound), notices


async def run(conversion: Conversion, parts: Sequence[Pcm]) -> tuple[Pcm, list[str]]:
    listening = asyncio.create_task(output_of(conversion))
    for part in parts:
        await conversion.feed(part)
    conversion.end()
    return await listening


@pytest.fixture(scope="module")
def world() -> LoadedModels:
    return LoadedModels(Settings(), names=("world", "gain"))


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(1, 30_000), max_size=12), rate=st.sampled_from(RATES))
def test_cuts_are_not_heard(cuts: list[int], rate: int) -> None:
    """Check that a sound fed in any parts, or converted as a recording, gives the same samples."""

    async def each() -> None:
        ours = LoadedModels(Settings(), names=("world",))
        change = VoiceChange(target=200.0)
        sound = pcm(voice(0.5, rate=rate))
        clock = ManualClock()  # it stands still, so that nothing takes any time
        whole = await run(live(ours, "world", change, rate, clock=clock), [sound])
        cut = await run(
            live(ours, "world", change, rate, clock=clock), np.split(sound, sorted(cuts))
        )
        file = [part async for part in convert_recording(ours, "world", change, once(sound), rate)]
        await ours.close()
        assert whole[1] == [] and cut[1] == []
        assert np.array_equal(whole[0], cut[0])
        assert np.array_equal(whole[0], np.concatenate(file))
        assert whole[0].size == sound.size and whole[0].any()

    asyncio.run(each())


async def once(sound: Pcm) -> AsyncIterator[Pcm]:
    yield sound


async def test_streams_side_by_side_never_mix() -> None:
    ours = LoadedModels(Settings(), names=("world",))
    sounds = [pcm(voice(1.0, pitch)) for pitch in (100.0, 150.0, 220.0)]
    change = VoiceChange(target=170.0)

    def conversion() -> Conversion:
        return live(ours, "world", change, 24000, clock=ManualClock())

    alone = [await run(conversion(), [sound]) for sound in sounds]
    together = await asyncio.gather(*(run(conversion(), np.split(s, 60)) for s in sounds))
    await ours.close()
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one[0], other[0])


async def test_output_rates_differ_and_lengths_agree() -> None:
    ours = models_of(InvertingConverter())
    conversion = live(ours, "inverting", OPEN, 48000, 8000)
    found, _ = await run(conversion, [pcm(voice(0.5, rate=48000))])
    await ours.close()
    assert found.size == 4_000


class TimedMicrophone:
    """A microphone that feeds a conversion in time with a test's clock, and its listener."""

    def __init__(self, ours: LoadedModels, clock: ManualClock, **options: object) -> None:
        self.clock = clock
        self.conversion = live(ours, "inverting", OPEN, RATE, clock=clock, **options)
        self.sound = pcm(0.5 * voice(40.0, rate=RATE))
        self.fed = 0
        self.given = 0
        self.parts: list[Pcm] = []
        self.notices: list[str] = []
        self.delays: list[float] = []
        self._start = clock.now
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for item in self.conversion.output():
            if isinstance(item, ConversionNotice):
                self.notices.append(item.code)
                continue
            self.given += item.size
            self.parts.append(item)
            self.delays.append(self.clock.now - self._start - self.given / RATE)

    async def speak(self, seconds: float) -> None:
        """Feed what is said in so many seconds, and what was said while computing took time."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            due = self._start + (self.fed + BLOCK) / RATE
            self.clock.now = max(self.clock.now, due)
            place = self.fed % (self.sound.size - BLOCK)
            await self.conversion.feed(self.sound[place : place + BLOCK])
            self.fed += BLOCK
            if self._start + (self.fed + BLOCK) / RATE > self.clock.now:
                await self._wait_until_processed()
        await self._wait_until_processed()

    async def speak_until_notice(self, code: str) -> None:
        """Speak on until a notice, since a trial's time on its thread is unknown."""
        for _ in range(600):
            await self.speak(0.2)
            if self.notices[-1] == code:
                return

    async def _wait_until_processed(self) -> None:
        """Wait until what was fed has been worked on as far as it goes."""
        await asyncio.wait_for(self.conversion.buffer.drained.wait(), 60)
        await asyncio.sleep(0.0005)

    async def end(self) -> Pcm:
        self.conversion.end()
        await self._listening
        return np.concatenate(self.parts)


@pytest.fixture
async def inverting() -> AsyncIterator[Inverting]:
    engine, clock = InvertingConverter(), ManualClock()
    ours = models_of(engine)
    yield engine, ours, clock
    engine.may_go_on.set()
    await ours.close()


@pytest.mark.slow
async def test_when_computing_takes_long_blocks_grow_then_the_voice_passes_then_it_recovers(
    inverting: Inverting,
) -> None:
    engine, ours, clock = inverting
    microphone = TimedMicrophone(ours, clock)

    def takes(share: float) -> None:
        def work(samples: int) -> None:
            clock.now += share * samples / RATE

        engine.work = work

    takes(0.1)
    await microphone.speak(0.6)
    assert microphone.notices == []
    usual = max(microphone.delays)
    takes(1.3)
    await microphone.speak(1.5)
    assert microphone.notices == ["larger_blocks", "larger_blocks", "bypass"]
    microphone.delays.clear()
    await microphone.speak(0.6)
    assert max(microphone.delays[-10:]) <= usual + 0.021, "passing through, nothing stays late"
    takes(0.1)
    await microphone.speak_until_notice("recovered")
    assert microphone.notices[3] == "larger_blocks"
    assert microphone.notices[-1] == "recovered"
    microphone.delays.clear()
    await microphone.speak(0.6)
    assert max(microphone.delays) <= usual + 1e-6
    sound = await microphone.end()
    assert sound.size == microphone.fed


async def test_a_block_that_never_comes_is_not_waited_for(inverting: Inverting) -> None:
    engine, ours, clock = inverting
    microphone = TimedMicrophone(ours, clock, patience=0.05)
    await microphone.speak(0.3)
    engine.may_go_on.clear()
    await microphone.speak(0.2)
    await asyncio.sleep(0.1)
    await microphone.speak(0.2)
    assert microphone.notices == ["bypass"]
    engine.may_go_on.set()
    await microphone.speak(0.2)
    sound = await microphone.end()
    assert sound.size == microphone.fed
    fed = microphone.sound[: sound.size].astype(int)
    start, late = slice(0, 3_200), slice(-3_200, None)
    assert np.abs(sound[start] + fed[start]).max() <= 2, "converted, it is inverted"
    assert np.abs(sound[late] - fed[late]).max() <= 2, "unconverted, it is as it was"


async def test_sound_that_was_not_taken_in_time_gives_a_notice(inverting: Inverting) -> None:
    _, ours, clock = inverting
    conversion = live(ours, "inverting", OPEN, RATE, clock=clock)
    for _ in range(300):
        clock.now += 0.02
        await conversion.feed(np.full(BLOCK, 500, np.int16))
    conversion.end()
    sound, notices = await output_of(conversion)
    assert notices == ["bypass"]
    assert sound.size == 2 * RATE


async def test_a_recording_that_is_sent_at_once_waits_and_loses_nothing(
    inverting: Inverting,
) -> None:
    _, ours, clock = inverting
    sound = pcm(0.5 * voice(8.0, rate=RATE))
    found, notices = await run(live(ours, "inverting", OPEN, RATE, clock=clock), [sound])
    assert notices == [] and np.abs(found.astype(int) + sound).max() <= 2


@pytest.mark.slow
async def test_a_listener_with_another_clock_keeps_its_store(inverting: Inverting) -> None:
    """Follow a microphone whose clock is 0.2 % fast: ten times the usual, to show in seconds."""
    _, ours, clock = inverting
    conversion = live(ours, "inverting", OPEN, RATE, clock=ManualClock(), played=lambda: clock.now)
    given = 0
    stores = []

    async def listen() -> None:
        nonlocal given
        async for item in conversion.output():
            if not isinstance(item, ConversionNotice):
                given += item.size

    listening = asyncio.create_task(listen())
    sound = pcm(0.5 * voice(4.0, rate=RATE))
    begun = clock.now
    for number in range(1_200):
        clock.now += 0.04 / 1.002
        place = 640 * (number % 100)
        await conversion.feed(sound[place : place + 640])
        while conversion.buffer.waiting >= BLOCK and not listening.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        stores.append(given / RATE - (clock.now - begun))
    conversion.end()
    await listening
    usual = np.mean(stores[50:125])
    unfollowed = 1_200 * 0.04 * 0.002
    assert abs(np.mean(stores[-100:]) - usual) < 0.4 * unfollowed


async def test_silence_costs_no_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feed faint noise, which the gate keeps from the engine."""
    import pyworld

    def fail(*arguments: object, **named: object) -> None:
        raise AssertionError("silence was analysed")

    monkeypatch.setattr(pyworld, "dio", fail)
    ours = LoadedModels(Settings(), names=("world",))
    noise = np.random.default_rng(1).integers(-8, 9, 24_000).astype(np.int16)
    conversion = live(ours, "world", VoiceChange(target=200.0), 24000, clock=ManualClock())
    found, notices = await run(conversion, [noise] * 10)
    await ours.close()
    assert notices == [] and found.size == 240_000 and not found.any()


async def test_stopping_frees_the_engine_without_a_tail(inverting: Inverting) -> None:
    engine, ours, clock = inverting
    conversion = live(ours, "inverting", OPEN, RATE, clock=clock)
    listening = asyncio.create_task(output_of(conversion))
    await conversion.feed(np.zeros(RATE, np.int16))
    conversion.stop()
    await asyncio.wait_for(listening, 5)
    assert ours.states()[0].leases == 0


async def test_a_cancelled_listener_frees_the_engine(inverting: Inverting) -> None:
    engine, ours, clock = inverting
    listening = asyncio.create_task(output_of(live(ours, "inverting", OPEN, RATE, clock=clock)))
    await asyncio.sleep(0.01)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert ours.states()[0].leases == 0


async def test_what_cannot_be_is_refused_at_once() -> None:
    ours = models_of(InvertingConverter(), WholeRecordingConverter(), FailingConverter())
    with pytest.raises(BadRequest, match="There is no engine 'bell'"):
        Conversion(ours, "bell", OPEN, RATE)
    with pytest.raises(BadRequest, match="output_sample_rate"):
        Conversion(ours, "inverting", OPEN, RATE, 12_345)
    with pytest.raises(BadRequest, match="whole recordings"):
        await output_of(live(ours, "whole", OPEN, RATE))
    with pytest.raises(SynthesisFailed):
        await run(live(ours, "failing", OPEN, RATE), [np.ones(RATE, np.int16)])
    await ours.close()


@pytest.mark.parametrize(
    ("block_seconds", "codes"),
    [(None, []), (0.015, []), (0.022, ["larger_blocks"]), (0.1, ["bypass"])],
)
async def test_what_a_machine_can_do_is_told_before_anything_is_said(
    inverting: Inverting, block_seconds: float | None, codes: list[str]
) -> None:
    """A block of 20 ms has 40 ms before it; the larger ones share these."""
    engine, ours, clock = inverting
    engine.block_seconds = block_seconds
    conversion = live(ours, "inverting", OPEN, RATE, clock=clock)
    output = conversion.output()
    listening = asyncio.ensure_future(anext(output))
    await asyncio.sleep(0)
    await conversion.feed(np.full(2_000, 500, np.int16))
    first = await listening
    found = [first.code] if isinstance(first, ConversionNotice) else []
    assert found == codes
    if isinstance(first, ConversionNotice) and block_seconds:
        assert f"{block_seconds / 0.02:.1f} s to convert a second" in first.message
    await output.aclose()
