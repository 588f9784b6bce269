"""The preload: engines that are loaded, and speak once, before the server is ready."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from realtime.errors import YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.models.placement import split_device
from realtime.warm_up.first_words import FirstWords

logger = logging.getLogger(__name__)

USER = "the preload"


class Preload:
    """The preload of a list of engines; one that fails stops no other."""

    def __init__(self, names: Sequence[str], models: LoadedModels, words: FirstWords) -> None:
        self.ended = False
        self.waits_for = list(dict.fromkeys(names))
        self.failed: dict[str, str] = {}  # engine -> the code of its error
        self.spoken: set[tuple[str, str]] = set()  # engine, language
        self._models = models
        self._words = words

    async def run(self) -> None:
        """Load the engines one after the other."""
        while self.waits_for:
            name = self.waits_for[0]
            try:
                await self._prepare(name)
            except YamabikoError as error:
                logger.error("cannot preload %s: %s", name, error.message)
                self.failed[name] = error.code
            except Exception:
                logger.exception("cannot preload %s", name)
                self.failed[name] = YamabikoError.default_code
            self.waits_for.remove(name)
        self.ended = True

    async def _prepare(self, name: str) -> None:
        """Load an engine and let it speak in one language: in the others the warm-up does."""
        await self._models.load(name)
        id = split_device(name)[0]
        for language in self._words.languages(id)[:1]:
            if await self._words.speak(id, language, USER):
                self.spoken.add((id, language))
            else:
                logger.info("%s is loaded; it has no character to speak as", id)
