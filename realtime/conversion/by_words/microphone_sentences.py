"""Sentences of one live microphone, each with its transcription where that could begin early.

A sentence is transcribed as soon as the pause behind it begins. When the speech goes on after all,
that transcription is forgotten, and the whole sentence is transcribed later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from realtime.audio.samples import Pcm, Resampler, from_pcm16
from realtime.conversion.by_words.endpointing import SpeechEvent
from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard, sound_left_out
from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.sentence_detector import DetectedSpeech, SentenceDetector
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.conversion.denoising import Microphone
from realtime.engines.contract import Transcript

PIECE_SECONDS = 0.032  # taken at a time: a frame of the detector


@dataclass(frozen=True, eq=False)
class FoundSentence:
    """A whole sentence, and its transcription where that is done or under way."""

    sentence: Sentence
    transcript: asyncio.Task[Transcript] | None = None

    def forget(self) -> None:
        """Cancel the transcription, if there is one."""
        if self.transcript is not None:
            self.transcript.cancel()


class MicrophoneSentences:
    """The sentences of one microphone; `stall` seconds without sound end one as silence does."""

    def __init__(
        self,
        buffer: Microphone,
        rate: int,
        detector: SentenceDetector,
        transcriber: Transcriber,
        stall: float,
    ) -> None:
        self._buffer, self._rate, self._stall = buffer, rate, stall
        self._detector, self._transcriber = detector, transcriber
        self._resampler = Resampler(rate, detector.rate)
        self._reported_left_out = 0  # samples
        self._early_transcript: asyncio.Task[Transcript] | None = None
        self._transcribing: set[asyncio.Task[Transcript]] = set()

    async def items(self) -> AsyncGenerator[FoundSentence | SentenceHeard | RevoicingNotice, None]:
        """Yield each sentence, its beginning before it, and notices of sound left out."""
        while (pcm := await self._next_piece()) is not None:
            if pcm.size == 0:
                for found in self._ended(self._detector.finish()):
                    yield found
            if (samples_lost := self._buffer.left_out - self._reported_left_out) > 0:
                self._reported_left_out += samples_lost
                yield sound_left_out(samples_lost / self._rate)
            samples = from_pcm16(self._resampler.feed(pcm))
            async with aclosing(self._detector.feed(samples)) as detections:
                async for detected in detections:
                    for item in self._handle(detected):
                        yield item
        for found in self._ended(self._detector.finish()):
            yield found

    async def aclose(self) -> None:
        """Cancel the transcriptions under way; the recogniser is free afterwards."""
        for task in self._transcribing:
            task.cancel()
        await asyncio.gather(*self._transcribing, return_exceptions=True)

    async def _next_piece(self) -> Pcm | None:
        """Return what is sent next; it is empty where nothing came in the middle of a sentence."""
        count = round(PIECE_SECONDS * self._rate)
        if not self._detector.speaking:
            return await self._buffer.take(count)
        try:
            async with asyncio.timeout(self._stall):
                return await self._buffer.take(count)
        except TimeoutError:
            return await self._buffer.take(0)

    def _handle(self, detected: DetectedSpeech) -> list[FoundSentence | SentenceHeard]:
        if detected.event is SpeechEvent.BEGAN:
            return [SentenceHeard("speech_started")]
        if detected.event is SpeechEvent.WENT_ON and self._early_transcript is not None:
            self._early_transcript.cancel()
            self._early_transcript = None
        elif detected.event is SpeechEvent.PAUSED and detected.sentence and self._transcriber.idle:
            self._transcribe_early(detected.sentence)
        elif detected.event is SpeechEvent.ENDED:
            return list(self._ended(detected.sentence))
        return []

    def _transcribe_early(self, sentence: Sentence) -> None:
        task = asyncio.create_task(self._transcriber.transcribe(sentence))
        self._early_transcript = task
        self._transcribing.add(task)
        task.add_done_callback(self._transcribed)

    def _transcribed(self, task: asyncio.Task[Transcript]) -> None:
        self._transcribing.discard(task)
        if not task.cancelled():
            task.exception()  # read here: asyncio warns of one that nobody reads

    def _ended(self, sentence: Sentence | None) -> list[FoundSentence]:
        if sentence is None:
            return []
        transcript, self._early_transcript = self._early_transcript, None
        return [FoundSentence(sentence, transcript)]
