"""Another voice as it is asked for, and the change that it becomes; it knows no engine's sound."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from realtime.characters import Characters
from realtime.conversion.character_pitch import CharacterPitches
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest

CONVERTER = "world"  # when nobody names one
REVOICE = "revoice"  # which understands words and changes no sound
OF_SOUND = ("pitch", "formant", "breath", "model")


@dataclass(frozen=True)
class VoiceChangeRequest:
    """What a client wants to sound like; what it leaves open is decided here or by the engine."""

    engine: str = CONVERTER
    character: str | None = None
    pitch: float | None = None
    formant: float | None = None
    breath: float | None = None
    effect: str = "none"
    gate: float | None = None
    model: str = ""
    language: str = "auto"  # in which is spoken, for an engine that understands words

    def __post_init__(self) -> None:
        if not self.by_words:
            return
        asked = [name for name in OF_SOUND if getattr(self, name) not in (None, "")]
        asked += ["effect"] * (self.effect != "none")
        if asked:
            raise BadRequest(
                f"{', '.join(asked)} cannot be asked of {REVOICE!r}, which changes no sound.",
                hint="It takes character, language and gate.",
                field=asked[0],
            )

    @property
    def by_words(self) -> bool:
        """Whether it is understood and spoken anew, so that nothing keeps its length."""
        return self.engine == REVOICE


class VoiceChangeResolver:
    """Changes from disguises: a character's voice lies where its own median pitch is."""

    def __init__(self, characters: Characters, pitches: CharacterPitches) -> None:
        self._characters = characters
        self._pitches = pitches

    async def change(self, asked: VoiceChangeRequest) -> VoiceChange:
        """The change, checked; a character that there is not is refused whatever the rest."""
        target = None
        if asked.character is not None:
            character = await asyncio.to_thread(self._characters.get, asked.character)
            if asked.pitch is None:
                target = await self._pitches.of(character)
        said = {
            name: value
            for name in ("pitch", "formant", "breath", "gate")
            if (value := getattr(asked, name)) is not None
        }
        return VoiceChange(target=target, effect=asked.effect, model=asked.model, **said)
