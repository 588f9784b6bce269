"""Speech in, another character's speech out, live and by its words; it knows no web."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from typing import Any

import numpy as np

from realtime.audio.playback import Playback
from realtime.audio.samples import Pcm
from realtime.conversion.by_words.bounded_queue import BoundedQueue
from realtime.conversion.by_words.events import (
    RevoicingNotice,
    SentenceHeard,
    other_language,
    sentence_left_out,
)
from realtime.conversion.by_words.microphone_sentences import Microphone, Take
from realtime.conversion.by_words.output_queue import OutputQueue
from realtime.conversion.by_words.sentence_detector import LEVEL, SentenceDetector
from realtime.conversion.by_words.speaker import SentenceSpeaker
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.conversion.signal_path import checked_rate
from realtime.engines.contract import Transcript
from realtime.errors import Busy, YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

DETECTOR, RECOGNISER = "silero", "revoice"
STALL_SECONDS = 1.0
INTAKE_SECONDS = 10.0  # of sound that waits: words may come late, and engines take time to load
MOST_TAKES = 4  # sentences that wait to be understood
MOST_TEXTS = 8  # sentences that wait to be spoken
GAP_SECONDS = 0.25  # between a sentence that is still being heard and the next


class Revoicing:
    """One microphone, live: `feed` and `end` on one side, `output` on the other."""

    def __init__(
        self,
        models: LoadedModels,
        speech: Speech,
        wish: LineRequest,
        rate: int,
        output_rate: int | None = None,
        *,
        level: float = LEVEL,
        clock: Callable[[], float] = time.monotonic,
        stall: float = STALL_SECONDS,
    ) -> None:
        """`wish` is who speaks and how; its language is the one that is listened for."""
        self.rate = checked_rate("sample_rate", rate)
        self.output_rate = checked_rate("output_sample_rate", output_rate or rate)
        self.intake = MicrophoneBuffer(rate, clock, INTAKE_SECONDS)
        self.voice = SentenceSpeaker(speech, wish, self.output_rate)
        self.language, self.level = wish.language, level
        self.clock, self.stall = clock, stall
        self._models = models
        self._course: _RevoicingStep | None = None
        self._stopped = False

    async def feed(self, pcm: Pcm) -> None:
        """Waits only for who sends faster than it can be spoken."""
        await self.intake.add(pcm)

    def end(self) -> None:
        """The microphone has ended: what it sent is spoken to its end."""
        self.intake.end()

    def stop(self) -> None:
        """Nothing more is wanted; what waits is left out."""
        self._stopped = True
        self.intake.clear()
        if self._course is not None:
            self._course.stop()

    def hush(self) -> None:
        """What was said until now is not to be spoken any more; the listening goes on."""
        if self._course is not None:
            self._course.hush()

    def read_timings(self) -> None:
        """Sentences come in no blocks that could be measured."""

    async def output(self) -> AsyncGenerator[Pcm | SentenceHeard | RevoicingNotice, None]:
        """What is said, understood and spoken, as it comes; closing it early frees the engines."""
        await self.voice.check()
        async with AsyncExitStack() as stack:
            detector = await stack.enter_async_context(
                self._models.detector(DETECTOR).lease("a microphone")
            )
            recogniser = await stack.enter_async_context(
                self._models.recogniser(RECOGNISER).lease("a microphone")
            )
            if self._stopped:
                return
            understanding = Transcriber(recogniser, self.language)
            ear = SentenceDetector(detector, recogniser.engine.pause, self.level)
            course = self._course = _RevoicingStep(self, ear, understanding)
            try:
                while (item := await course.outlet.take()) is not None:
                    yield item
            finally:
                self._course = None
                await course.aclose()


class _RevoicingStep:
    """A revoicing under way: one task listens, one understands, one speaks."""

    def __init__(self, asked: Revoicing, ear: SentenceDetector, understanding: Transcriber) -> None:
        self.outlet: OutputQueue[SentenceHeard | RevoicingNotice] = OutputQueue()
        self._voice, self._clock = asked.voice, asked.clock
        self._rate = asked.output_rate
        self._understanding = understanding
        self._microphone = Microphone(asked.intake, asked.rate, ear, understanding, asked.stall)
        self._takes: BoundedQueue[tuple[Take, int]] = BoundedQueue(MOST_TAKES, asked.intake.early)
        self._texts: BoundedQueue[Transcript] = BoundedQueue(MOST_TEXTS, asked.intake.early)
        self._hushes = 0
        self._saying: asyncio.Task[None] | None = None
        self._playback = Playback()
        self._tasks = [
            asyncio.create_task(self._guarded(part))
            for part in (self._listen(), self._understand(), self._speak())
        ]

    def hush(self) -> None:
        self._hushes += 1
        self._texts.clear()
        self._playback = Playback()
        if self._saying is not None:
            self._saying.cancel()
        self.outlet.hush()

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.outlet.hush()
        self.outlet.end()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._microphone.aclose()

    async def _guarded(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except Exception as error:  # noqa: BLE001 -- it belongs to who listens
            self.outlet.end(error)

    async def _listen(self) -> None:
        async with aclosing(self._microphone.takes()) as items:
            async for item in items:
                if not isinstance(item, Take):
                    await self.outlet.tell(item)
                elif (lost := await self._takes.put((item, self._hushes))) is not None:
                    lost[0].forget()
                    await self._tell_stopped(None, sentence_left_out())
        self._takes.end()

    async def _understand(self) -> None:
        while (waited := await self._takes.take()) is not None:
            take, hushes = waited
            try:
                said = await (take.words or self._understanding.words(take.sentence))
            except Busy as error:
                await self._tell_stopped(None, RevoicingNotice("left_out", error.message))
                continue
            await self._tell_stopped(said, None if said.spoken else other_language(said.language))
            if said.text and hushes == self._hushes:
                if await self._texts.put(said) is not None:
                    await self.outlet.tell(sentence_left_out())
        self._texts.end()

    async def _speak(self) -> None:
        try:
            while (said := await self._texts.take()) is not None:
                self._saying = asyncio.create_task(self._say(said))
                await asyncio.wait((self._saying,))
                if not self._saying.cancelled():
                    self._saying.result()
        finally:
            if self._saying is not None:
                self._saying.cancel()
                await asyncio.gather(self._saying, return_exceptions=True)
        self.outlet.end()

    async def _say(self, said: Transcript) -> None:
        began = False
        try:
            async with aclosing(self._voice.say(said)) as sound:
                async for pcm in sound:
                    if not began and self._playback.seconds_ahead(self._clock()):
                        await self._sound(np.zeros(round(GAP_SECONDS * self._rate), np.int16))
                    began = True
                    await self._sound(pcm)
        except YamabikoError as error:
            await self.outlet.tell(RevoicingNotice("not_spoken", error.message))

    async def _sound(self, pcm: Pcm) -> None:
        await self.outlet.sound(pcm)
        self._playback.add(pcm.size / self._rate, self._clock())

    async def _tell_stopped(self, said: Transcript | None, notice: RevoicingNotice | None) -> None:
        text, language = (said.text or None, said.language) if said else (None, None)
        await self.outlet.tell(SentenceHeard("speech_stopped", text, language))
        if notice is not None:
            await self.outlet.tell(notice)
