"""The first words of an engine in a language, spoken so that no listener waits for what they load.

Dictionaries, voices and the first memory of a network come with the first words in a language.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from realtime.characters import Character, Characters
from realtime.engines.contract import SpeaksSome, Synthesizer
from realtime.engines.several_models import id_of
from realtime.errors import NotFound
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech
from realtime.speech.synthesis import Synthesis

WORDS = {"en": "Hello.", "zh": "你好。", "ja": "こんにちは。"}


class FirstWords:
    """A speaker of first words; what it speaks is kept and counted nowhere, and is never urgent."""

    def __init__(self, models: LoadedModels, characters: Characters, speech: Speech) -> None:
        self._models = models
        self._characters = characters
        self._speech = speech
        self._synthesis = Synthesis(models)

    def languages(self, engine: str) -> list[str]:
        """List the languages of an engine that speaks; an engine of another kind has none."""
        if not self._models.speaks(engine):
            return []
        return sorted(self._models.synthesizer(engine).engine.languages & WORDS.keys())

    async def speak(self, engine: str, language: str, user: str) -> bool:
        """Speak, as `user` of the engine; return whether there is a character that it can speak."""
        speaker = self._models.synthesizer(engine).engine
        character = await asyncio.to_thread(self._choose_character, speaker, language)
        if character is None:
            return False
        request = LineRequest(WORDS[language], character.name, language, engine=engine)
        line = await self._speech.line(request)
        async with aclosing(self._synthesis.speak(line, lambda: False, user=user)) as spoken:
            async for _ in spoken:
                pass
        return True

    def _choose_character(self, engine: Synthesizer, language: str) -> Character | None:
        """Choose a character that it can speak, best one of its own.

        Among these the language's default comes first, then natives.
        """
        known = self._characters.all()
        known.sort(key=lambda character: character.language != language)
        try:
            known.insert(0, self._characters.default(language))
        except NotFound:
            pass
        known.sort(key=lambda character: character.model != id_of(engine))
        return next((each for each in known if can_speak(engine, each)), None)


def can_speak(engine: Synthesizer, character: Character) -> bool:
    """Tell whether an engine can speak a character."""
    return not isinstance(engine, SpeaksSome) or engine.can_speak(character)
