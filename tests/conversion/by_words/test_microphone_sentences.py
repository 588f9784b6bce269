"""A microphone's sentences: guesses that hold, guesses that are forgotten, standing still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.by_words.microphone_sentences import Microphone, Take
from realtime.conversion.by_words.sentence_detector import SentenceDetector
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from tests.support.fake_recogniser import RATE, LevelDetector, ScriptedRecogniser, hums, silence

pytestmark = pytest.mark.anyio


class Bench:
    """A microphone with ears for tests; `items` are what it gave until now."""

    def __init__(self) -> None:
        self.typist = ScriptedRecogniser()
        ears: dict[str, Any] = {"silero": LevelDetector(), "revoice": self.typist}
        self.models = LoadedModels(Settings(), lambda name, settings: ears[name], tuple(ears))
        self.items: list[Any] = []
        self.came = asyncio.Event()

    async def run(self, stack: AsyncExitStack, rate: int, stall: float = 60.0) -> MicrophoneBuffer:
        detector = await stack.enter_async_context(self.models.detector("silero").lease())
        recogniser = await stack.enter_async_context(self.models.recogniser("revoice").lease())
        intake = MicrophoneBuffer(rate, time.monotonic)
        understanding = Transcriber(recogniser, "en")
        self.microphone = Microphone(
            intake, rate, SentenceDetector(detector, 0.35), understanding, stall
        )
        self.hearing = asyncio.create_task(self._hear())
        stack.push_async_callback(self.microphone.aclose)
        return intake

    async def all(self, *parts: Pcm, rate: int = RATE) -> list[Any]:
        async with AsyncExitStack() as stack:
            intake = await self.run(stack, rate)
            for part in parts:
                await intake.add(part)
            intake.end()
            await self.hearing
            for item in self.items:
                if isinstance(item, Take) and item.words is not None:
                    await item.words
        return self.items

    async def _hear(self) -> None:
        async with aclosing(self.microphone.takes()) as takes:
            async for item in takes:
                self.items.append(item)
                self.came.set()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.typist.may_go_on.set()
    await bench.models.close()


async def test_a_sentence_is_listened_to_once(bench: Bench) -> None:
    started, take = await bench.all(hums(1.0, 1.0))
    assert started.event == "speech_started"
    assert take.words is not None and (await take.words).text == "abc"
    assert bench.typist.seconds == pytest.approx([1.1], abs=0.1)


async def test_a_guess_is_forgotten_when_the_speech_goes_on(bench: Bench) -> None:
    bench.typist.may_go_on.clear()
    async with AsyncExitStack() as stack:
        intake = await bench.run(stack, RATE)
        await intake.add(hums(1.0, 0.2))
        assert await asyncio.to_thread(bench.typist.begun.wait, 60)
        await intake.add(hums(1.0, 1.0))
        intake.end()
        await bench.hearing
        bench.typist.may_go_on.set()
        _, take = bench.items
        assert take.words is not None and (await take.words).text == "abc"
        assert bench.typist.seconds[-1] == pytest.approx(2.3, abs=0.2), "the whole sentence"
        assert take.sentence.samples.size / RATE == pytest.approx(2.3, abs=0.2)


async def test_a_microphone_that_stands_still_ends_its_sentence(bench: Bench) -> None:
    async with AsyncExitStack() as stack:
        intake = await bench.run(stack, RATE, stall=0.05)
        await intake.add(hums(1.0))
        while not any(isinstance(item, Take) for item in bench.items):
            bench.came.clear()
            await bench.came.wait()
        assert not bench.hearing.done()
        await intake.add(hums(0.5, 1.0))
        intake.end()
        await bench.hearing
        assert sum(isinstance(item, Take) for item in bench.items) == 2


async def test_any_rate_will_do(bench: Bench) -> None:
    _, take = await bench.all(hums(1.0, 1.0, rate=44100), rate=44100)
    assert take.sentence.samples.size / RATE == pytest.approx(1.15, abs=0.1)


async def test_sound_that_was_not_taken_in_time_is_told(bench: Bench) -> None:
    async with AsyncExitStack() as stack:
        intake = await bench.run(stack, RATE)
        intake.left_out = RATE
        await intake.add(silence(0.1))
        intake.end()
        await bench.hearing
    assert [item.code for item in bench.items] == ["left_out"]
    assert "1000 ms" in bench.items[0].message


async def test_leaving_frees_the_recogniser(bench: Bench) -> None:
    bench.typist.may_go_on.clear()
    async with AsyncExitStack() as stack:
        intake = await bench.run(stack, RATE)
        await intake.add(hums(1.0, 0.2))
        assert await asyncio.to_thread(bench.typist.begun.wait, 60)
        bench.hearing.cancel()
        bench.typist.may_go_on.set()
    async with bench.models.recogniser("revoice").lease() as lease:
        assert lease.lane.jobs == 0
