"""The voices into which lines are changed when they are spoken: characters, and models by id."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from realtime.audio.samples import Pcm
from realtime.characters import Character, Characters, ConverterVoice
from realtime.conversion.file import convert_recording
from realtime.engines.contract import TakesOptions
from realtime.engines.options import Options, options_of, own_options
from realtime.engines.voice_change import GATE_OFF, VoiceChange
from realtime.errors import BadRequest, shortlist
from realtime.model_id import split_id
from realtime.models.lanes import WHEN_IDLE
from realtime.models.loaded import LoadedModels
from realtime.speech.second_voice import SecondVoice


class ConvertedVoices:
    """The voices of converters, for lines."""

    def __init__(self, characters: Characters, models: LoadedModels) -> None:
        self._characters = characters
        self._models = models

    def find(self, name: str, speaker: Character, seed: int) -> SecondVoice:
        """Return the voice of a character or of a model such as `rvc:nana`; refuse other names.

        The speaker's pitch is known, so the voice is at its own pitch from the first word.
        """
        options: Options = ()
        if split_id(name)[0] in self._models.converters():
            id, digest, change = name, "", VoiceChange()
        else:
            id, digest, options, change = self._of_character(name)
        model = self._models.converter(id)
        known = model.engine.options if isinstance(model.engine, TakesOptions) else ()
        change = replace(
            change,
            speaker=speaker.median_pitch,
            gate=GATE_OFF,  # nothing of what is spoken is noise
            seed=seed,
            options=own_options(model.engine.name, options, known),
        )
        weights = tuple(file.sha256 or file.name for file in model.engine.weights)
        return SecondVoice(name, model.id, change, (model.engine.version, weights, digest))

    async def convert(
        self,
        parts: AsyncGenerator[Pcm, None],
        rate: int,
        voice: SecondVoice,
        is_urgent: Callable[[], bool],
    ) -> AsyncGenerator[Pcm, None]:
        """Yield the sound in the other voice; its first block is no longer than a live one."""

        def due() -> float:
            return time.monotonic() if is_urgent() else WHEN_IDLE

        sound = convert_recording(
            self._models, voice.id, voice.change, parts, rate, due=due, in_short_blocks=True
        )
        async with aclosing(parts), aclosing(sound):
            async for pcm in sound:
                yield pcm

    def _of_character(self, name: str) -> tuple[str, str, Options, VoiceChange]:
        """Return a character's model, its digest, its options, and where it moves the pitch."""
        character = self._characters.get(name)
        voice = character.voice
        if not isinstance(voice, ConverterVoice):
            there = shortlist(each.name for each in self._characters.converter_voices())
            raise BadRequest(
                f"then is {name[:60]!r}, who speaks; a voice of a converter is expected.",
                hint=f"There are: {there or 'none'}; docs/conversion.md says how to bring one.",
                field="then",
            )
        target = character.median_pitch if voice.card.key is None else None
        change = VoiceChange(pitch=voice.card.key, target=target)
        return character.model, character.digest, options_of(dict(voice.card.options)), change
