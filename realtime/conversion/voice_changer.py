"""Another voice for whoever asks, live or for a recording; it knows no socket and no file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import Protocol

import numpy as np

from realtime.audio.samples import Pcm
from realtime.characters import Character, Characters
from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard
from realtime.conversion.by_words.file import revoiced
from realtime.conversion.by_words.live import Revoicing
from realtime.conversion.by_words.sentence_detector import LEVEL
from realtime.conversion.character_pitch import CharacterPitches
from realtime.conversion.file import converted
from realtime.conversion.live import PATIENCE_SECONDS, Conversion, ConversionNotice
from realtime.conversion.request import VoiceChangeRequest, VoiceChangeResolver
from realtime.conversion.timings import TimingReport
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

# What a character says once so that it is known where its voice lies.
SAMPLES = {
    "en": "The old man walked slowly along the river, and the morning was still and cold.",
    "zh": "老人沿着河边慢慢地走，早晨又静又冷。",
    "ja": "老人は川のそばをゆっくり歩いた。朝は静かで、とても寒かった。",
}


LiveVoiceEvent = SentenceHeard | RevoicingNotice | ConversionNotice


class LiveVoice(Protocol):
    """A microphone on its way: fed on one side, heard on the other."""

    async def feed(self, pcm: Pcm) -> None: ...

    def end(self) -> None: ...

    def stop(self) -> None: ...

    def hush(self) -> None: ...

    def read_timings(self) -> TimingReport | None: ...

    def output(self) -> AsyncGenerator[Pcm | LiveVoiceEvent, None]: ...


class VoiceChanger:
    """Makes conversions out of what is asked for."""

    def __init__(
        self,
        models: LoadedModels,
        characters: Characters,
        speech: Speech,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.patience = patience  # with an engine that computes a live block
        self._models = models
        self._speech = speech
        self._disguises = VoiceChangeResolver(characters, CharacterPitches(self._sample))

    async def live(
        self,
        asked: VoiceChangeRequest,
        rate: int,
        output_rate: int | None,
        played: Callable[[], float | None],
        clock: Callable[[], float],
    ) -> LiveVoice:
        """A microphone's conversion, ready to be fed."""
        if asked.by_words:
            wish, level = _heard_and_said(asked)
            return Revoicing(
                self._models, self._speech, wish, rate, output_rate, level=level, clock=clock
            )
        return Conversion(
            self._models,
            asked.engine,
            await self._disguises.change(asked),
            rate,
            output_rate,
            played=played,
            clock=clock,
            patience=self.patience,
        )

    async def recording(
        self, asked: VoiceChangeRequest, parts: AsyncIterable[Pcm], rate: int, output_rate: int
    ) -> AsyncGenerator[Pcm, None]:
        """A whole recording in the other voice, no faster than it is taken."""
        if asked.by_words:
            wish, level = _heard_and_said(asked)
            made = revoiced(self._models, self._speech, wish, parts, rate, output_rate, level=level)
        else:
            change = await self._disguises.change(asked)
            made = converted(self._models, asked.engine, change, parts, rate, output_rate)
        async with aclosing(made) as sound:
            async for pcm in sound:
                yield pcm

    async def _sample(self, character: Character) -> tuple[Pcm, int]:
        """Some seconds of a character's own voice."""
        wish = LineRequest(SAMPLES[character.language], character.name, character.language)
        line = await self._speech.line(wish)
        async with aclosing(self._speech.say(line, keep=False)) as spoken:
            parts = [part.pcm async for part in spoken]
        return np.concatenate(parts), self._speech.sample_rate(line)


def _heard_and_said(asked: VoiceChangeRequest) -> tuple[LineRequest, float]:
    """Who is to speak what was understood, and how loud it must be to be listened to."""
    level = LEVEL if asked.gate is None else asked.gate
    return LineRequest("", asked.character, asked.language), level
