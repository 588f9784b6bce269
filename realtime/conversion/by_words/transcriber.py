"""Sentences into words on the recogniser's lane, in the language that a stream goes on in."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

from realtime.conversion.by_words.sentence import Sentence
from realtime.engines.contract import CancelToken, Recogniser, Transcript
from realtime.errors import SynthesisFailed, YamabikoError
from realtime.models.model import Lease
from realtime.text.language import LANGUAGES
from realtime.text.normalise import clean, has_speech

logger = logging.getLogger(__name__)


class Transcriber:
    """One stream's. A language that is not given is found in each sentence, and remembered."""

    def __init__(self, lease: Lease[Recogniser], language: str) -> None:
        self._engine = lease.engine
        self._lane = lease.lane
        self._asked = language if language in LANGUAGES else None
        self._usual: str | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody's sentence is being listened to, so that one may be on trial."""
        return not self._lane.jobs

    async def words(self, sentence: Sentence) -> Transcript:
        asked = time.monotonic()
        try:
            found = await self._found(sentence, asked)
        except YamabikoError:
            raise
        except Exception as error:
            logger.exception("%s failed while listening", self._engine.name)
            raise SynthesisFailed(
                f"The engine {self._engine.name!r} failed while it listened.",
                code="conversion_failed",
                hint="The server's log says more; trying again may help.",
            ) from error
        if not has_speech(clean(found.text)):
            return replace(found, text="")  # signs alone are nothing to say
        self._usual = found.language
        return found

    async def _found(self, sentence: Sentence, due: float) -> Transcript:
        def start(cancel: CancelToken) -> Iterator[Transcript]:
            yield self._engine.recognise(sentence.samples, self._asked, self._usual, cancel)

        async with aclosing(self._lane.stream(start, lambda: due)) as items:
            return await anext(items)
