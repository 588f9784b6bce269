"""The second step of a line: what a character spoke becomes the voice of a converter."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from realtime.audio.samples import Pcm
from realtime.audio.spoken import Spoken, Word
from realtime.characters import Character
from realtime.engines.voice_change import VoiceChange


@dataclass(frozen=True)
class SecondVoice:
    """A voice that a line is changed into when it is spoken."""

    name: str  # of its character, or the id of its model
    id: str  # of the model
    change: VoiceChange
    facts: tuple[Any, ...]  # all that decides its sound besides the change, for the line's key


class SecondVoices(Protocol):
    """The voices that lines can be changed into; the room of conversions has them."""

    def find(self, name: str, speaker: Character, seed: int) -> SecondVoice:
        """Return a voice as it changes this speaker; refuse a name that is none."""

    def convert(
        self,
        parts: AsyncGenerator[Pcm, None],
        rate: int,
        voice: SecondVoice,
        is_urgent: Callable[[], bool],
    ) -> AsyncGenerator[Pcm, None]:
        """Yield the sound in the other voice, as long as it was."""


class SpokenTwice:
    """The sound of one line on its way through its second voice; words keep their times."""

    def __init__(
        self, spoken: AsyncGenerator[Spoken, None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._spoken = spoken
        self._clock = clock
        self._asked_at = clock()
        self._words: list[Word] = []
        self._timing: dict[str, float] = {}

    async def parts(self) -> AsyncGenerator[Pcm, None]:
        """Yield what the first voice spoke."""
        async with aclosing(self._spoken) as spoken:
            async for part in spoken:
                self._words += part.words
                self._timing.update(part.timing)
                if part.pcm.size:
                    yield part.pcm

    async def through(self, converted: AsyncGenerator[Pcm, None]) -> AsyncGenerator[Spoken, None]:
        """Yield what the second voice made of the parts, with the words of the first."""
        async with aclosing(converted) as sounds:
            async for pcm in sounds:
                yield Spoken(pcm, self._taken_words(), self._taken_timing())

    def _taken_words(self) -> tuple[Word, ...]:
        words, self._words = tuple(self._words), []
        return words

    def _taken_timing(self) -> dict[str, float]:
        """Return the timings with the first part, which was heard only now."""
        timing, self._timing = self._timing, {}
        if "first_audio" in timing:
            timing["first_audio"] = round(1000 * (self._clock() - self._asked_at), 2)
        return timing
