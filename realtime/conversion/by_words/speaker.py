"""Words in a character's voice, the normal way of a line; it knows no microphone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from realtime.audio.samples import Pcm, Resampler
from realtime.engines.contract import Transcript
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

PIECE_SECONDS = 0.2  # what is given at a time: who is to stop stops soon


class SentenceSpeaker:
    """One character for one listener. What somebody said into a microphone is kept nowhere."""

    def __init__(self, speech: Speech, wish: LineRequest, output_rate: int) -> None:
        self._speech, self._wish = speech, wish
        self._rate = output_rate

    async def check(self) -> None:
        """Refuse what no words could mend."""
        await self._speech.check(self._wish)

    async def say(self, said: Transcript) -> AsyncGenerator[Pcm, None]:
        """The sound of it as soon as it is there, in short pieces."""
        language = said.language if self._wish.language == "auto" else self._wish.language
        line = await self._speech.line(replace(self._wish, text=said.text, language=language))
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
