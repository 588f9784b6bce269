"""One microphone's sentences, each with what may already be understood of it; it speaks nothing.

A sentence is listened to when the pause behind it begins. When the speech goes on after all, that
is forgotten, and the whole is listened to later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from realtime.audio.samples import Pcm, Resampler, from_pcm16
from realtime.conversion.by_words.endpointing import Mark
from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard, sound_left_out
from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.sentence_detector import Detected, SentenceDetector
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.engines.contract import Transcript

TAKEN_SECONDS = 0.032


@dataclass(frozen=True, eq=False)
class Take:
    """A sentence that was said, and its words or the work on them."""

    sentence: Sentence
    words: asyncio.Task[Transcript] | None = None

    def forget(self) -> None:
        if self.words is not None:
            self.words.cancel()


class Microphone:
    """What is sent, as sentences; `stall` seconds without any sound end one as silence does."""

    def __init__(
        self,
        intake: MicrophoneBuffer,
        rate: int,
        ear: SentenceDetector,
        understanding: Transcriber,
        stall: float,
    ) -> None:
        self._intake, self._rate, self._stall = intake, rate, stall
        self._ear, self._understanding = ear, understanding
        self._resampler = Resampler(rate, ear.rate)
        self._left_out = 0
        self._guess: asyncio.Task[Transcript] | None = None
        self._working: set[asyncio.Task[Transcript]] = set()

    async def takes(self) -> AsyncGenerator[Take | SentenceHeard | RevoicingNotice, None]:
        while (pcm := await self._taken()) is not None:
            if pcm.size == 0:
                for take in self._ended(self._ear.finish()):
                    yield take
            if (over := self._intake.left_out - self._left_out) > 0:
                self._left_out += over
                yield sound_left_out(over / self._rate)
            samples = from_pcm16(self._resampler.feed(pcm))
            async with aclosing(self._ear.hear(samples)) as items:
                async for told in items:
                    for item in self._noted(told):
                        yield item
        for take in self._ended(self._ear.finish()):
            yield take

    async def aclose(self) -> None:
        """Forget what was listened to and is not wanted; the recogniser is free afterwards."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _taken(self) -> Pcm | None:
        """What is sent next; nothing of it when it stood still in the middle of a sentence."""
        count = round(TAKEN_SECONDS * self._rate)
        if not self._ear.speaking:
            return await self._intake.take(count)
        try:
            async with asyncio.timeout(self._stall):
                return await self._intake.take(count)
        except TimeoutError:
            return await self._intake.take(0)

    def _noted(self, told: Detected) -> list[Take | SentenceHeard]:
        if told.mark is Mark.BEGAN:
            return [SentenceHeard("speech_started")]
        if told.mark is Mark.WENT_ON and self._guess is not None:
            self._guess.cancel()
            self._guess = None
        elif told.mark is Mark.PAUSED and told.sentence and self._understanding.idle:
            self._guess = asyncio.create_task(self._understanding.words(told.sentence))
            self._working.add(self._guess)
            self._guess.add_done_callback(self._done)
        elif told.mark is Mark.ENDED:
            return list(self._ended(told.sentence))
        return []

    def _done(self, guess: asyncio.Task[Transcript]) -> None:
        self._working.discard(guess)
        if not guess.cancelled():
            guess.exception()  # seen here, for nobody asks a forgotten one

    def _ended(self, sentence: Sentence | None) -> list[Take]:
        if sentence is None:
            return []
        words, self._guess = self._guess, None
        return [Take(sentence, words)]
