"""Transcription of sentences on the recogniser's lane."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

from realtime.conversion.by_words.sentence import Sentence
from realtime.engines.contract import CancelToken, Recogniser, Transcript
from realtime.engines.failure import engine_failures
from realtime.models.model import Lease
from realtime.text.language import LANGUAGES
from realtime.text.normalise import clean, has_speech

RECOGNISER = "revoice"  # the engine


class Transcriber:
    """The transcriber of one stream.

    A language that is not given is found in each sentence; the last one counts for the next.
    """

    def __init__(self, lease: Lease[Recogniser], language: str) -> None:
        self._engine = lease.engine
        self._lane = lease.lane
        self._language = language if language in LANGUAGES else None
        self._usual_language: str | None = None

    @property
    def idle(self) -> bool:
        """Check whether the recogniser is free, so that a sentence may be tried before its end."""
        return not self._lane.jobs

    async def transcribe(self, sentence: Sentence) -> Transcript:
        """Return the sentence's words; the text is empty where it has none."""
        with engine_failures(self._engine.name, "listening"):
            found = await self._recognise(sentence, time.monotonic())
        if not has_speech(clean(found.text)):
            return replace(found, text="")  # punctuation alone cannot be spoken
        self._usual_language = found.language
        return found

    async def _recognise(self, sentence: Sentence, due: float) -> Transcript:
        def start(cancel: CancelToken) -> Iterator[Transcript]:
            yield self._engine.recognise(
                sentence.samples, self._language, self._usual_language, cancel
            )

        async with aclosing(self._lane.stream(start, lambda: due)) as items:
            return await anext(items)
