"""A request for another voice, and the voice change that it becomes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from realtime.characters import Character, Characters, ConverterVoice
from realtime.conversion.character_pitch import CharacterPitches
from realtime.conversion.denoising import OFF
from realtime.engines.options import Options, options_of
from realtime.engines.several_models import named_id
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

    engine: str = ""  # "": the character's own where it has one that converts, else the default
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


@dataclass(frozen=True)
class ResolvedChange:
    """A change of a voice, and what it is asked of: an engine or model, with its options."""

    id: str
    change: VoiceChange
    options: Options = ()


class VoiceChangeResolver:
    """The maker of voice changes out of requests; a character gives the pitch of its voice."""

    def __init__(self, characters: Characters, pitches: CharacterPitches) -> None:
        self._characters = characters
        self._pitches = pitches

    async def resolve(self, request: VoiceChangeRequest) -> ResolvedChange:
        """Return the change, with its ranges checked; refuse a character that does not exist.

        A character of a converter brings its model and options. Of another one the pitch is the
        target, unless the request has a pitch of its own.
        """
        character = None
        if request.character is not None:
            character = await asyncio.to_thread(self._characters.get, request.character)
        if character is not None and isinstance(character.voice, ConverterVoice):
            return _converted_by(character.voice, character, request)
        target = None
        if character is not None and request.pitch is None:
            target = await self._pitches.median_pitch(character)
        id = named_id(request.engine or CONVERTER, request.model)
        return ResolvedChange(id, _change(request, target), request.options)


def _converted_by(
    voice: ConverterVoice, character: Character, request: VoiceChangeRequest
) -> ResolvedChange:
    """Return the change into the voice of a converter; what the request says wins over the card."""
    asked = named_id(request.engine or character.model, request.model)
    if asked not in (character.model, character.engine):
        raise BadRequest(
            f"{character.name!r} is a voice of {character.model!r}, and {asked!r} was asked for.",
            hint="Leave engine and model out: the character brings them.",
            field="engine",
        )
    if request.pitch is None and voice.card.key is not None:
        request = replace(request, pitch=voice.card.key)
    options = options_of({**dict(voice.card.options), **dict(request.options)})
    return ResolvedChange(character.model, _change(request, character.median_pitch), options)


def _change(request: VoiceChangeRequest, target: float | None) -> VoiceChange:
    given = {
        name: value
        for name in ("pitch", "formant", "breath", "gate")
        if (value := getattr(request, name)) is not None
    }
    if split_id(request.engine)[0] == VOCODER:
        given.setdefault("gate", GATE_OFF)  # its mel is that of the recording as it is
    target = None if request.pitch is not None else target
    return VoiceChange(target=target, effect=request.effect, **given)
