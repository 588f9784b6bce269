"""The parts of the core, built from the settings, started and closed together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field

from realtime.acceleration.admin import AccelerationAdmin
from realtime.access import Clock, Guard
from realtime.access.keys import load_keys
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
QUIET_CHECK_SECONDS = 1.0  # between looks whether a network is quiet and could be prepared
WARM_UP = {"en": "Hello.", "zh": "你好。", "ja": "こんにちは。"}


@dataclass
class Services:
    """The parts of the core, for the web and for the command line."""

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
    _preparing: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Scan the cache, and begin to load the engines that the settings preload.

        `ready` becomes true when each of them has spoken once and, with keys, when requests that
        are signed now can pass.
        """
        await self.cache.start()
        self._preloading = asyncio.create_task(self._preload())
        self._preparing = asyncio.create_task(self._prepare_quiet_networks())

    @property
    def ready(self) -> bool:
        return self.warm and self.guard.accepts_signatures

    async def close(self) -> None:
        self.warm = False
        for task in filter(None, (self._preloading, self._preparing)):
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

    async def _prepare_quiet_networks(self) -> None:
        """Prepare quick forms of networks in the moments when nobody uses them."""
        while True:
            await asyncio.sleep(QUIET_CHECK_SECONDS)
            try:
                await asyncio.to_thread(self.acceleration.prepare_when_quiet)
            except Exception:
                logger.exception("a network could not be prepared in a quiet moment")

    async def _speak_once(self, name: str) -> None:
        """Load an engine and speak a word: the first synthesis is slow, and nobody waits for it."""
        await self.models.load(name)
        if name not in self.models.synthesizers():
            return
        languages = self.models.synthesizer(name).engine.languages
        for language in sorted(languages)[:1]:
            character = self.settings.default_characters[language]
            request = LineRequest(WARM_UP[language], character, language, engine=name)
            line = await self.speech.line(request)
            async with aclosing(self.speech.say(line, keep=False)) as spoken:
                async for _ in spoken:
                    pass


def build(
    settings: Settings, models: LoadedModels | None = None, clock: Clock | None = None
) -> Services:
    """Build the services of these settings; nothing is loaded and no thread runs yet."""
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
