"""Prompts of GPT-SoVITS' characters, made ready before their first lines."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing

from realtime.characters import Character, Characters, GptSovitsVoice
from realtime.engines.contract import CancelToken, Synthesizer
from realtime.engines.failure import engine_failures
from realtime.engines.gpt_sovits.speaker import MOST_PROMPTS
from realtime.engines.keeps_prompts import KeepsPrompts
from realtime.errors import Unavailable
from realtime.models.lanes import WHEN_IDLE
from realtime.models.loaded import LoadedModels
from realtime.models.model import LoadedModel
from realtime.warm_up.plan import WarmUpPlanner


class VoicePrompts:
    """The prompts of all characters; each is made on its engine's lane when no line waits there."""

    def __init__(
        self, models: LoadedModels, characters: Characters, planner: WarmUpPlanner
    ) -> None:
        self._models = models
        self._characters = characters
        self._planner = planner

    def characters(self, model: str = "") -> list[Character]:
        """List the characters with prompts, of one model or of all.

        Of each model they are as many as it keeps in memory.
        """
        id = self._models.model(model).id if model else ""
        counts: Counter[str] = Counter()
        found = []
        for character in self._characters.all():
            wanted = isinstance(character.voice, GptSovitsVoice) and id in ("", character.model)
            if wanted and counts[character.model] < MOST_PROMPTS:
                counts[character.model] += 1
                found.append(character)
        return found

    def is_ready(self, character: Character) -> bool:
        """Tell whether a character's first line needs no prompt to be made."""
        model = self._models.find(character.model)
        if model is None or not isinstance(model.engine, KeepsPrompts):
            return False
        return model.engine.has_prompt(character)

    async def make_ready(self, character: Character, user: str) -> None:
        """Make a character's prompt, as `user` of its model, which is loaded if there is room."""
        model = await asyncio.to_thread(self._model, character.model)
        async with model.lease(user) as lease:
            engine = lease.engine
            if not isinstance(engine, KeepsPrompts) or engine.has_prompt(character):
                return

            def make(cancel: CancelToken) -> Iterator[None]:
                engine.keep_prompt(character)
                return iter(())

            with engine_failures(model.id, "speaking"):
                async with aclosing(lease.lane.stream(make, lambda: WHEN_IDLE)) as turns:
                    async for _ in turns:
                        pass

    def _model(self, id: str) -> LoadedModel[Synthesizer]:
        """Find a model; refuse one for which there is no room."""
        model = self._models.synthesizer(id)
        if (reason := self._planner.shortage(id)) is not None:
            raise Unavailable(f"{id!r} is not loaded for a prompt: {reason}.")
        return model
