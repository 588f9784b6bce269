"""Conversion of a recording by its words: a character says each sentence again, where it was."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import AsyncExitStack, aclosing

import numpy as np

from realtime.audio.samples import Pcm, Resampler, from_pcm16
from realtime.conversion.by_words.endpointing import SpeechEvent
from realtime.conversion.by_words.events import other_language
from realtime.conversion.by_words.live import GAP_SECONDS
from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.sentence_detector import DETECTOR, LEVEL, SentenceDetector
from realtime.conversion.by_words.speaker import SentenceSpeaker
from realtime.conversion.by_words.transcriber import RECOGNISER, Transcriber
from realtime.conversion.file import check_rates
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

logger = logging.getLogger(__name__)

PART_SECONDS = 1.0  # of the recording, or of silence in the output, at a time


async def revoice_recording(
    models: LoadedModels,
    speech: Speech,
    request: LineRequest,
    parts: AsyncIterable[Pcm],
    rate: int,
    output_rate: int | None = None,
    *,
    level: float = LEVEL,
) -> AsyncGenerator[Pcm, None]:
    """Yield the recording in the requested voice, no faster than it is taken.

    A sentence begins where it was said, or when the one before it has ended. What is not
    understood is silence; the output is as long as the input, or longer.
    """
    output_rate = output_rate or rate
    check_rates(rate, output_rate)
    speaker = SentenceSpeaker(speech, request, output_rate)
    await speaker.check()
    async with AsyncExitStack() as stack:
        detector = await stack.enter_async_context(models.detector(DETECTOR).lease("a recording"))
        recogniser = await stack.enter_async_context(
            models.recogniser(RECOGNISER).lease("a recording")
        )
        revoiced = _RevoicedRecording(
            SentenceDetector(detector, recogniser.engine.pause, level),
            Transcriber(recogniser, request.language),
            speaker,
            output_rate,
        )
        sound = await stack.enter_async_context(aclosing(revoiced.sound(parts, rate)))
        async for pcm in sound:
            yield pcm


class _RevoicedRecording:
    """A recording on its way, and how much of the output was given."""

    def __init__(
        self,
        detector: SentenceDetector,
        transcriber: Transcriber,
        speaker: SentenceSpeaker,
        output_rate: int,
    ) -> None:
        self._detector, self._transcriber, self._speaker = detector, transcriber, speaker
        self._rate = output_rate
        self._given = 0  # output samples

    async def sound(self, parts: AsyncIterable[Pcm], rate: int) -> AsyncGenerator[Pcm, None]:
        resampler = Resampler(rate, self._detector.rate)
        came = 0  # input samples
        async for part in _cut(parts, round(PART_SECONDS * rate)):
            came += part.size
            async with aclosing(self._sentences_in(resampler.feed(part))) as sound:
                async for pcm in sound:
                    yield pcm
            if not self._detector.speaking:
                # A part behind: a sentence that is found next may have begun a little earlier.
                for pcm in self._silence(round((came / rate - PART_SECONDS) * self._rate)):
                    yield pcm
        async with aclosing(self._sentences_in(resampler.finish(), last=True)) as sound:
            async for pcm in sound:
                yield pcm
        for pcm in self._silence(round(came / rate * self._rate)):
            yield pcm

    async def _sentences_in(self, pcm: Pcm, last: bool = False) -> AsyncGenerator[Pcm, None]:
        """Yield the sound of the sentences that end in a part of the recording."""
        sentences = []
        async with aclosing(self._detector.feed(from_pcm16(pcm))) as detections:
            async for detected in detections:
                if detected.event is SpeechEvent.ENDED and detected.sentence is not None:
                    sentences.append(detected.sentence)
        if last and (rest := self._detector.finish()) is not None:
            sentences.append(rest)
        for sentence in sentences:
            async with aclosing(self._speak(sentence)) as sound:
                async for piece in sound:
                    yield piece

    async def _speak(self, sentence: Sentence) -> AsyncGenerator[Pcm, None]:
        """Yield the silence before a sentence, and the sentence spoken again."""
        transcript = await self._transcriber.transcribe(sentence)
        if not transcript.spoken:
            logger.info("left out: %s", other_language(transcript.language).message)
        if not transcript.text:
            return
        start = round(sentence.start / self._detector.rate * self._rate)
        if start < self._given:  # the sentence before it is still being said
            start = self._given + round(GAP_SECONDS * self._rate)
        for pcm in self._silence(start):
            yield pcm
        async with aclosing(self._speaker.speak(transcript)) as sound:
            async for pcm in sound:
                self._given += pcm.size
                yield pcm

    def _silence(self, until: int) -> Iterator[Pcm]:
        while self._given < until:
            count = min(until - self._given, round(PART_SECONDS * self._rate))
            self._given += count
            yield np.zeros(count, np.int16)


async def _cut(parts: AsyncIterable[Pcm], most: int) -> AsyncGenerator[Pcm, None]:
    """Yield the same sound in parts of at most so many samples."""
    async for part in parts:
        for start in range(0, part.size, most):
            yield part[start : start + most]
