"""Where each character's voice lies, in Hz: as its card says, else measured once; it knows no web.

Who asks brings the voice: a function that lets a character say something.
"""

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
    """Median pitches by voice; who asks for one that is being measured waits for that."""

    def __init__(self, spoken: Callable[[Character], Awaitable[tuple[Pcm, int]]]) -> None:
        self._spoken = spoken
        self._known: OrderedDict[str, asyncio.Task[float]] = OrderedDict()

    async def of(self, character: Character) -> float:
        if character.median_pitch is not None:
            return character.median_pitch
        key = character.digest
        if key not in self._known:
            self._known[key] = asyncio.create_task(self._measured(character))
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        try:
            # Shielded: who leaves does not take the measurement from the others.
            return await asyncio.shield(self._known[key])
        except Exception:
            self._known.pop(key, None)
            raise

    async def _measured(self, character: Character) -> float:
        pcm, rate = await self._spoken(character)
        found = await asyncio.to_thread(median_pitch, from_pcm16(pcm), rate)
        if found is None:
            raise Unavailable(
                f"The pitch of {character.name!r} cannot be measured: nothing of it is voiced.",
                hint="Say median_pitch in its yaml, or ask for a pitch in semitones.",
            )
        return found
