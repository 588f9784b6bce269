"""A microphone's sentences: early transcriptions kept or forgotten, and stalls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.by_words.microphone_sentences import FoundSentence, MicrophoneSentences
from realtime.conversion.by_words.sentence_detector import SentenceDetector
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from tests.support.fake_recogniser import RATE, LevelDetector, ScriptedRecogniser, hums, silence

pytestmark = pytest.mark.anyio


class Bench:
    """A microphone with fake engines; `items` are what it gave until now."""

    def __init__(self) -> None:
        self.recogniser = ScriptedRecogniser()
        fakes: dict[str, Any] = {"silero": LevelDetector(), "revoice": self.recogniser}
        self.models = LoadedModels(Settings(), lambda name, settings: fakes[name], tuple(fakes))
        self.items: list[Any] = []
        self.came = asyncio.Event()

    async def start(
        self, stack: AsyncExitStack, rate: int, stall: float = 60.0
    ) -> MicrophoneBuffer:
        detector = await stack.enter_async_context(self.models.detector("silero").lease())
        lease = await stack.enter_async_context(self.models.recogniser("revoice").lease())
        buffer = MicrophoneBuffer(rate, time.monotonic)
        transcriber = Transcriber(lease, "en")
        self.microphone = MicrophoneSentences(
            buffer, rate, SentenceDetector(detector, 0.35), transcriber, stall
        )
        self.listening = asyncio.create_task(self._listen())
        stack.push_async_callback(self.microphone.aclose)
        return buffer

    async def all(self, *parts: Pcm, rate: int = RATE) -> list[Any]:
        async with AsyncExitStack() as stack:
            buffer = await self.start(stack, rate)
            for part in parts:
                await buffer.add(part)
            buffer.end()
            await self.listening
            for item in self.items:
                if isinstance(item, FoundSentence) and item.transcript is not None:
                    await item.transcript
        return self.items

    async def _listen(self) -> None:
        async with aclosing(self.microphone.items()) as items:
            async for item in items:
                self.items.append(item)
                self.came.set()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.recogniser.may_go_on.set()
    await bench.models.close()


async def test_a_sentence_is_listened_to_once(bench: Bench) -> None:
    started, found = await bench.all(hums(1.0, 1.0))
    assert started.event == "speech_started"
    assert found.transcript is not None and (await found.transcript).text == "abc"
    assert bench.recogniser.seconds == pytest.approx([1.1], abs=0.1)


async def test_an_early_transcription_is_forgotten_when_the_speech_goes_on(bench: Bench) -> None:
    bench.recogniser.may_go_on.clear()
    async with AsyncExitStack() as stack:
        buffer = await bench.start(stack, RATE)
        await buffer.add(hums(1.0, 0.2))
        assert await asyncio.to_thread(bench.recogniser.begun.wait, 60)
        await buffer.add(hums(1.0, 1.0))
        buffer.end()
        await bench.listening
        bench.recogniser.may_go_on.set()
        _, found = bench.items
        assert found.transcript is not None and (await found.transcript).text == "abc"
        assert bench.recogniser.seconds[-1] == pytest.approx(2.3, abs=0.2), "the whole sentence"
        assert found.sentence.samples.size / RATE == pytest.approx(2.3, abs=0.2)


async def test_a_microphone_that_stalls_ends_its_sentence(bench: Bench) -> None:
    async with AsyncExitStack() as stack:
        buffer = await bench.start(stack, RATE, stall=0.05)
        await buffer.add(hums(1.0))
        while not any(isinstance(item, FoundSentence) for item in bench.items):
            bench.came.clear()
            await bench.came.wait()
        assert not bench.listening.done()
        await buffer.add(hums(0.5, 1.0))
        buffer.end()
        await bench.listening
        assert sum(isinstance(item, FoundSentence) for item in bench.items) == 2


async def test_any_rate_will_do(bench: Bench) -> None:
    _, found = await bench.all(hums(1.0, 1.0, rate=44100), rate=44100)
    assert found.sentence.samples.size / RATE == pytest.approx(1.15, abs=0.1)


async def test_sound_that_was_not_taken_in_time_gives_a_notice(bench: Bench) -> None:
    async with AsyncExitStack() as stack:
        buffer = await bench.start(stack, RATE)
        buffer.left_out = RATE
        await buffer.add(silence(0.1))
        buffer.end()
        await bench.listening
    assert [item.code for item in bench.items] == ["left_out"]
    assert "1000 ms" in bench.items[0].message


async def test_leaving_frees_the_recogniser(bench: Bench) -> None:
    bench.recogniser.may_go_on.clear()
    async with AsyncExitStack() as stack:
        buffer = await bench.start(stack, RATE)
        await buffer.add(hums(1.0, 0.2))
        assert await asyncio.to_thread(bench.recogniser.begun.wait, 60)
        bench.listening.cancel()
        bench.recogniser.may_go_on.set()
    async with bench.models.recogniser("revoice").lease() as lease:
        assert lease.lane.jobs == 0
