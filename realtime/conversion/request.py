"""A request for another voice, and the voice change that it becomes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from realtime.characters import Characters
from realtime.conversion.character_pitch import CharacterPitches
from realtime.conversion.denoising import OFF
from realtime.engines.options import Options
from realtime.engines.voice_change import GATE_OFF, VoiceChange
from realtime.errors import BadRequest
from realtime.model_id import split_id

CONVERTER = "world"  # the default engine
REVOICE = "revoice"  # the engine that understands words and changes no sound
VOCODER = "vocoder"  # the engine that sounds a recording's mel again, in the same voice
# The fields that mean nothing to these engines, `effect` besides; and those that they take.
MEANINGLESS = {
    REVOICE: ("pitch", "formant", "breath", "model", "options"),
    VOCODER: ("character", "pitch", "formant", "breath"),
}
TAKEN = {REVOICE: "character, language, gate and denoise", VOCODER: "model, gate and denoise"}


@dataclass(frozen=True)
class VoiceChangeRequest:
    """The voice that a client asks for; fields left open are decided here or by the engine."""

    engine: str = CONVERTER
    character: str | None = None
    pitch: float | None = None
    formant: float | None = None
    breath: float | None = None
    effect: str = "none"
    gate: float | None = None
    denoise: str = OFF
    model: str = ""
    language: str = "auto"  # that is spoken, for an engine that understands words
    options: Options = ()  # of the engine

    def __post_init__(self) -> None:
        engine = split_id(self.engine)[0]
        if engine not in MEANINGLESS:
            return
        meaningless = MEANINGLESS[engine]
        refused = [name for name in meaningless if getattr(self, name) not in (None, "", ())]
        if self.effect != "none":
            refused.append("effect")
        if refused:
            raise BadRequest(
                f"{', '.join(refused)} cannot be asked of {engine!r}, which changes no sound.",
                hint=f"It takes {TAKEN[engine]}.",
                field=refused[0],
            )

    @property
    def by_words(self) -> bool:
        """Check whether speech is to be understood and spoken anew, so that lengths change."""
        return split_id(self.engine)[0] == REVOICE


class VoiceChangeResolver:
    """The maker of voice changes out of requests; a character gives the pitch of its voice."""

    def __init__(self, characters: Characters, pitches: CharacterPitches) -> None:
        self._characters = characters
        self._pitches = pitches

    async def resolve(self, request: VoiceChangeRequest) -> VoiceChange:
        """Return the change, with its ranges checked; refuse a character that does not exist.

        The character's pitch is the target, unless the request has a pitch of its own.
        """
        target = None
        if request.character is not None:
            character = await asyncio.to_thread(self._characters.get, request.character)
            if request.pitch is None:
                target = await self._pitches.median_pitch(character)
        given = {
            name: value
            for name in ("pitch", "formant", "breath", "gate")
            if (value := getattr(request, name)) is not None
        }
        if split_id(request.engine)[0] == VOCODER:
            given.setdefault("gate", GATE_OFF)  # its mel is that of the recording as it is
        return VoiceChange(target=target, effect=request.effect, **given)
