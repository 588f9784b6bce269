"""The median pitch of each character's voice, in Hz: as its card says, else measured once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from realtime.audio.samples import Pcm, from_pcm16
from realtime.characters import Character
from realtime.engines.world import median_pitch
from realtime.errors import Unavailable

MOST_KEPT = 256


class CharacterPitches:
    """Median pitches by voice; `speak_sample` lets a character say some seconds of speech."""

    def __init__(self, speak_sample: Callable[[Character], Awaitable[tuple[Pcm, int]]]) -> None:
        self._speak_sample = speak_sample
        self._pitches: OrderedDict[str, asyncio.Task[float]] = OrderedDict()

    async def median_pitch(self, character: Character) -> float:
        """Return the pitch; callers at the same time share one measurement."""
        if character.median_pitch is not None:
            return character.median_pitch
        key = character.digest
        if key not in self._pitches:
            self._pitches[key] = asyncio.create_task(self._measure(character))
            if len(self._pitches) > MOST_KEPT:
                self._pitches.popitem(last=False)
        try:
            # Shielded: a caller that leaves does not take the measurement from the others.
            return await asyncio.shield(self._pitches[key])
        except Exception:
            self._pitches.pop(key, None)
            raise

    async def _measure(self, character: Character) -> float:
        pcm, rate = await self._speak_sample(character)
        found = await asyncio.to_thread(median_pitch, from_pcm16(pcm), rate)
        if found is None:
            raise Unavailable(
                f"The pitch of {character.name!r} cannot be measured: nothing of it is voiced.",
                hint="Say median_pitch in its yaml, or ask for a pitch in semitones.",
            )
        return found
