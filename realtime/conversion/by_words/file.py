"""A recording said again by another character, each sentence where it was; it knows no file."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import AsyncExitStack, aclosing

import numpy as np

from realtime.audio.samples import Pcm, Resampler, from_pcm16
from realtime.conversion.by_words.endpointing import Mark
from realtime.conversion.by_words.events import other_language
from realtime.conversion.by_words.live import DETECTOR, GAP_SECONDS, RECOGNISER
from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.sentence_detector import LEVEL, SentenceDetector
from realtime.conversion.by_words.speaker import SentenceSpeaker
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.conversion.file import check_rates
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

logger = logging.getLogger(__name__)

PART_SECONDS = 1.0  # what is listened to, or given of a silence, at a time


async def revoiced(
    models: LoadedModels,
    speech: Speech,
    wish: LineRequest,
    parts: AsyncIterable[Pcm],
    rate: int,
    output_rate: int | None = None,
    *,
    level: float = LEVEL,
) -> AsyncGenerator[Pcm, None]:
    """The recording in the wish's voice, no faster than it is taken.

    A sentence begins where it was said, or when the one before it has ended. What is not
    understood is silence; the whole is as long as what came, or longer.
    """
    output_rate = output_rate or rate
    check_rates(rate, output_rate)
    voice = SentenceSpeaker(speech, wish, output_rate)
    await voice.check()
    async with AsyncExitStack() as stack:
        detector = await stack.enter_async_context(models.detector(DETECTOR).lease("a recording"))
        recogniser = await stack.enter_async_context(
            models.recogniser(RECOGNISER).lease("a recording")
        )
        ear = SentenceDetector(detector, recogniser.engine.pause, level)
        again = _RevoicedFile(ear, Transcriber(recogniser, wish.language), voice, output_rate)
        sounds = await stack.enter_async_context(aclosing(again.spoken(parts, rate)))
        async for pcm in sounds:
            yield pcm


class _RevoicedFile:
    """One recording on its way."""

    def __init__(
        self,
        ear: SentenceDetector,
        understanding: Transcriber,
        voice: SentenceSpeaker,
        output_rate: int,
    ) -> None:
        self._ear, self._understanding, self._voice = ear, understanding, voice
        self._rate = output_rate
        self._given = 0  # samples

    async def spoken(self, parts: AsyncIterable[Pcm], rate: int) -> AsyncGenerator[Pcm, None]:
        resampler = Resampler(rate, self._ear.rate)
        came = 0
        async for part in _short(parts, round(PART_SECONDS * rate)):
            came += part.size
            async with aclosing(self._heard(resampler.feed(part))) as sound:
                async for pcm in sound:
                    yield pcm
            if not self._ear.speaking:
                # What comes next may have begun a little earlier.
                for pcm in self._silence(round((came / rate - PART_SECONDS) * self._rate)):
                    yield pcm
        async with aclosing(self._heard(resampler.finish(), last=True)) as sound:
            async for pcm in sound:
                yield pcm
        for pcm in self._silence(round(came / rate * self._rate)):
            yield pcm

    async def _heard(self, pcm: Pcm, last: bool = False) -> AsyncGenerator[Pcm, None]:
        sentences = []
        async with aclosing(self._ear.hear(from_pcm16(pcm))) as items:
            async for told in items:
                if told.mark is Mark.ENDED and told.sentence is not None:
                    sentences.append(told.sentence)
        if last and (rest := self._ear.finish()) is not None:
            sentences.append(rest)
        for sentence in sentences:
            async with aclosing(self._said(sentence)) as sound:
                async for piece in sound:
                    yield piece

    async def _said(self, sentence: Sentence) -> AsyncGenerator[Pcm, None]:
        words = await self._understanding.words(sentence)
        if not words.spoken:
            logger.info("left out: %s", other_language(words.language).message)
        if not words.text:
            return
        place = round(sentence.start / self._ear.rate * self._rate)
        gap = round(GAP_SECONDS * self._rate) if self._given else 0
        for pcm in self._silence(place if place >= self._given else self._given + gap):
            yield pcm
        async with aclosing(self._voice.say(words)) as sound:
            async for pcm in sound:
                self._given += pcm.size
                yield pcm

    def _silence(self, until: int) -> Iterator[Pcm]:
        while self._given < until:
            count = min(until - self._given, round(PART_SECONDS * self._rate))
            self._given += count
            yield np.zeros(count, np.int16)


async def _short(parts: AsyncIterable[Pcm], most: int) -> AsyncGenerator[Pcm, None]:
    """The same in parts that are not too long, however it comes."""
    async for part in parts:
        for start in range(0, part.size, most):
            yield part[start : start + most]
