"""The core put together: the only file that knows how its parts fit; it knows no web."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field

from realtime.acceleration.admin import AccelerationAdmin
from realtime.access import Clock, Guard
from realtime.access.keys import load as load_keys
from realtime.access.quotas import Quotas
from realtime.cache import Cache
from realtime.cache.other_formats import OtherFormats
from realtime.characters import Characters
from realtime.cloning import Cloning
from realtime.conversion.voice_changer import VoiceChanger
from realtime.engines import ENGINES, unknown_engine
from realtime.errors import SettingsError, YamabikoError
from realtime.metrics import Metrics
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.speech.prefetch import PrefetchJobs
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

logger = logging.getLogger(__name__)

VERSION = "0.1.0"
TEND_SECONDS = 1.0
WARM_UP = {"en": "Hello.", "zh": "你好。", "ja": "こんにちは。"}


@dataclass
class Services:
    """What the doors and the command line use."""

    settings: Settings
    characters: Characters
    models: LoadedModels
    cache: Cache
    speech: Speech
    voice_changer: VoiceChanger
    cloning: Cloning
    other_formats: OtherFormats
    prefetches: PrefetchJobs
    metrics: Metrics
    guard: Guard
    quotas: Quotas
    acceleration: AccelerationAdmin
    warm: bool = False
    _preloading: asyncio.Task[None] | None = field(default=None, repr=False)
    _tending: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """See what the cache has, and begin to load what the settings preload.

        `ready` is true when each of the preloaded engines has spoken once and, with keys, when
        what is signed now can pass.
        """
        await self.cache.start()
        self._preloading = asyncio.create_task(self._preload())
        self._tending = asyncio.create_task(self._tend())

    @property
    def ready(self) -> bool:
        return self.warm and self.guard.open

    async def close(self) -> None:
        self.warm = False
        for task in filter(None, (self._preloading, self._tending)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.prefetches.close()
        await self.cache.close()
        await self.models.close()

    async def _preload(self) -> None:
        for name in self.settings.preload:
            try:
                await self._speak_once(name)
            except YamabikoError as error:
                logger.error("cannot preload %s: %s", name, error.message)
                return
        self.warm = True

    async def _tend(self) -> None:
        """Quiet moments belong to the networks that could still be quicker."""
        while True:
            await asyncio.sleep(TEND_SECONDS)
            try:
                await asyncio.to_thread(self.acceleration.prepare_when_quiet)
            except Exception:
                logger.exception("a network could not be prepared in a quiet moment")

    async def _speak_once(self, name: str) -> None:
        """The first synthesis is the slow one: it belongs to the start and to no listener."""
        await self.models.load(name)
        if name not in self.models.synthesizers():
            return
        languages = self.models.synthesizer(name).engine.languages
        for language in sorted(languages)[:1]:
            character = self.settings.default_characters[language]
            wish = LineRequest(WARM_UP[language], character, language, engine=name)
            line = await self.speech.line(wish)
            async with aclosing(self.speech.say(line, keep=False)) as spoken:
                async for _ in spoken:
                    pass


def build(
    settings: Settings, models: LoadedModels | None = None, clock: Clock | None = None
) -> Services:
    """The services of these settings; nothing is loaded and no thread runs yet."""
    for name in settings.preload:
        if name not in ENGINES:
            raise SettingsError(f"preload: {unknown_engine(name, ENGINES).message}")
    models = models or LoadedModels(settings)
    characters = Characters(settings.presets.path, settings.default_characters, models.names())
    metrics = Metrics()
    cache = Cache(settings, count_event=metrics.count_cache_event)
    speech = Speech(settings, characters, models, cache, metrics)
    return Services(
        settings=settings,
        characters=characters,
        models=models,
        cache=cache,
        speech=speech,
        voice_changer=VoiceChanger(models, characters, speech),
        cloning=Cloning(settings, characters, models),
        other_formats=OtherFormats(cache),
        prefetches=PrefetchJobs(speech),
        metrics=metrics,
        guard=Guard(load_keys(settings.auth.keys_path, settings.keys), settings, clock),
        quotas=Quotas(settings.limits),
        acceleration=AccelerationAdmin(models.accelerated, settings.acceleration),
    )
