"""Speaking of transcripts in a character's voice, on the same way as every line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from realtime.audio.samples import Pcm, Resampler
from realtime.engines.contract import Transcript
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

PIECE_SECONDS = 0.2  # what is given at a time, so that it can be stopped soon


class SentenceSpeaker:
    """A speaker of sentences for one listener.

    `request` is the line without its text. Nothing is kept in the cache: what a person said into
    a microphone must not lie there.
    """

    def __init__(self, speech: Speech, request: LineRequest, output_rate: int) -> None:
        self._speech, self._request = speech, request
        self._rate = output_rate

    async def check(self) -> None:
        """Check everything but the text."""
        await self._speech.check(self._request)

    async def speak(self, transcript: Transcript) -> AsyncGenerator[Pcm, None]:
        """Yield the sound in short pieces, as soon as it is there."""
        language = self._request.language
        if language == "auto":
            language = transcript.language
        line = await self._speech.line(
            replace(self._request, text=transcript.text, language=language)
        )
        resampler = Resampler(self._speech.sample_rate(line), self._rate)
        async with aclosing(self._speech.say(line, keep=False)) as parts:
            async for part in parts:
                for piece in self._pieces(resampler.feed(part.pcm)):
                    yield piece
        for piece in self._pieces(resampler.finish()):
            yield piece

    def _pieces(self, pcm: Pcm) -> list[Pcm]:
        size = round(PIECE_SECONDS * self._rate)
        return [part for part in np.split(pcm, list(range(size, pcm.size, size))) if part.size]
