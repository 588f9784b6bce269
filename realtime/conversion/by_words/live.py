"""Conversion of a live microphone by its words: a character says again what is understood."""

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
from realtime.conversion.by_words.microphone_sentences import FoundSentence, MicrophoneSentences
from realtime.conversion.by_words.output_queue import OutputQueue
from realtime.conversion.by_words.sentence_detector import DETECTOR, LEVEL, SentenceDetector
from realtime.conversion.by_words.speaker import SentenceSpeaker
from realtime.conversion.by_words.transcriber import RECOGNISER, Transcriber
from realtime.conversion.denoising import OFF, Microphone, clean_microphone
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.conversion.request import REVOICE
from realtime.conversion.signal_path import checked_rate
from realtime.engines.contract import Transcript
from realtime.errors import Busy, YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

STALL_SECONDS = 1.0  # without any sound, which end a sentence as silence does
BUFFER_SECONDS = 10.0  # of sound that waits: words may come late, and engines take time to load
MOST_SENTENCES = 4  # that wait to be understood
MOST_TRANSCRIPTS = 8  # that wait to be spoken
GAP_SECONDS = 0.25  # between a sentence that is still being heard and the next


class Revoicing:
    """A live microphone and its answers: `feed` and `end` on one side, `output` on the other.

    `request` is the line without its text; its language is also the one that is listened for.
    """

    engine = REVOICE

    def __init__(
        self,
        models: LoadedModels,
        speech: Speech,
        request: LineRequest,
        rate: int,
        output_rate: int | None = None,
        *,
        level: float = LEVEL,
        denoise: str = OFF,
        clock: Callable[[], float] = time.monotonic,
        stall: float = STALL_SECONDS,
    ) -> None:
        self.rate = checked_rate("sample_rate", rate)
        self.output_rate = checked_rate("output_sample_rate", output_rate or rate)
        self.buffer = MicrophoneBuffer(rate, clock, BUFFER_SECONDS)
        self.speaker = SentenceSpeaker(speech, request, self.output_rate)
        self.clock, self.stall = clock, stall
        self._language, self._level = request.language, level
        self._denoise = denoise
        self._models = models
        self._running: _RunningRevoicing | None = None
        self._stopped = False

    async def feed(self, pcm: Pcm) -> None:
        """Take the microphone's sound; wait only for a sender that is ahead of what is spoken."""
        await self.buffer.add(pcm)

    def end(self) -> None:
        """End the microphone: what it sent is spoken to its end."""
        self.buffer.end()

    def stop(self) -> None:
        """End at once and leave out what waits."""
        self._stopped = True
        self.buffer.clear()
        if self._running is not None:
            self._running.stop()

    def hush(self) -> None:
        """Leave out the answers to what was said until now; the microphone goes on."""
        if self._running is not None:
            self._running.hush()

    def read_timings(self) -> None:
        """Return None: sentences come in no blocks that could be measured."""

    async def output(self) -> AsyncGenerator[Pcm | SentenceHeard | RevoicingNotice, None]:
        """Yield events and the character's voice as they come; closing early frees the engines."""
        await self.speaker.check()
        async with AsyncExitStack() as stack:
            detector = await stack.enter_async_context(
                self._models.detector(DETECTOR).lease("a microphone")
            )
            recogniser = await stack.enter_async_context(
                self._models.recogniser(RECOGNISER).lease("a microphone")
            )
            microphone = await stack.enter_async_context(
                clean_microphone(self._models, self.buffer, self.rate, self._denoise)
            )
            if self._stopped:
                return
            running = self._running = _RunningRevoicing(
                self,
                microphone,
                SentenceDetector(detector, recogniser.engine.pause, self._level),
                Transcriber(recogniser, self._language),
            )
            try:
                while (item := await running.queue.take()) is not None:
                    yield item
            finally:
                self._running = None
                await running.aclose()


class _RunningRevoicing:
    """A revoicing under way, in three tasks: one listens, one transcribes, one speaks."""

    def __init__(
        self,
        revoicing: Revoicing,
        microphone: Microphone,
        detector: SentenceDetector,
        transcriber: Transcriber,
    ) -> None:
        self.queue: OutputQueue[SentenceHeard | RevoicingNotice] = OutputQueue()
        self._speaker, self._clock = revoicing.speaker, revoicing.clock
        self._rate = revoicing.output_rate
        self._transcriber = transcriber
        buffer = revoicing.buffer
        self._microphone = MicrophoneSentences(
            microphone, revoicing.rate, detector, transcriber, revoicing.stall
        )
        # Each sentence with the number of hushes before it.
        self._sentences: BoundedQueue[tuple[FoundSentence, int]] = BoundedQueue(
            MOST_SENTENCES, buffer.sender_is_early
        )
        self._transcripts: BoundedQueue[Transcript] = BoundedQueue(
            MOST_TRANSCRIPTS, buffer.sender_is_early
        )
        self._hushes = 0
        self._speaking: asyncio.Task[None] | None = None
        self._playback = Playback()
        self._tasks = [
            asyncio.create_task(self._guard(part))
            for part in (self._listen(), self._transcribe(), self._speak())
        ]

    def hush(self) -> None:
        self._hushes += 1
        self._transcripts.clear()
        self._playback = Playback()
        if self._speaking is not None:
            self._speaking.cancel()
        self.queue.drop_sound()

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.queue.drop_sound()
        self.queue.end()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._microphone.aclose()

    async def _guard(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except Exception as error:  # noqa: BLE001 -- it is raised at the reader of the output
            self.queue.end(error)

    async def _listen(self) -> None:
        async with aclosing(self._microphone.items()) as items:
            async for item in items:
                if not isinstance(item, FoundSentence):
                    await self.queue.put_event(item)
                elif (lost := await self._sentences.put((item, self._hushes))) is not None:
                    lost[0].forget()
                    await self._put_stopped(None, sentence_left_out())
        self._sentences.end()

    async def _transcribe(self) -> None:
        while (waited := await self._sentences.take()) is not None:
            found, hushes = waited
            try:
                if found.transcript is not None:
                    transcript = await found.transcript
                else:
                    transcript = await self._transcriber.transcribe(found.sentence)
            except Busy as error:
                await self._put_stopped(None, RevoicingNotice("left_out", error.message))
                continue
            notice = None if transcript.spoken else other_language(transcript.language)
            await self._put_stopped(transcript, notice)
            if transcript.text and hushes == self._hushes:
                if await self._transcripts.put(transcript) is not None:
                    await self.queue.put_event(sentence_left_out())
        self._transcripts.end()

    async def _speak(self) -> None:
        try:
            while (transcript := await self._transcripts.take()) is not None:
                # A task of its own, which a hush cancels without ending this loop.
                self._speaking = asyncio.create_task(self._speak_one(transcript))
                await asyncio.wait((self._speaking,))
                if not self._speaking.cancelled():
                    self._speaking.result()
        finally:
            if self._speaking is not None:
                self._speaking.cancel()
                await asyncio.gather(self._speaking, return_exceptions=True)
        self.queue.end()

    async def _speak_one(self, transcript: Transcript) -> None:
        began = False
        try:
            async with aclosing(self._speaker.speak(transcript)) as sound:
                async for pcm in sound:
                    if not began and self._playback.seconds_ahead(self._clock()):
                        await self._put_sound(np.zeros(round(GAP_SECONDS * self._rate), np.int16))
                    began = True
                    await self._put_sound(pcm)
        except YamabikoError as error:
            await self.queue.put_event(RevoicingNotice("not_spoken", error.message))

    async def _put_sound(self, pcm: Pcm) -> None:
        await self.queue.put_sound(pcm)
        self._playback.add(pcm.size / self._rate, self._clock())

    async def _put_stopped(
        self, transcript: Transcript | None, notice: RevoicingNotice | None
    ) -> None:
        text, language = None, None
        if transcript is not None:
            text, language = transcript.text or None, transcript.language
        await self.queue.put_event(SentenceHeard("speech_stopped", text, language))
        if notice is not None:
            await self.queue.put_event(notice)
