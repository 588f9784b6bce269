"""The parts of the core, built from the settings, started and closed together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from realtime.acceleration.admin import AccelerationAdmin
from realtime.acceleration.cuda_health import CUDA_HEALTH
from realtime.access import Clock, Guard
from realtime.access.keys import load_keys
from realtime.access.quotas import Quotas
from realtime.cache import Cache
from realtime.cache.other_formats import OtherFormats
from realtime.characters import Characters
from realtime.cloning import Cloning
from realtime.conversion.second_voices import ConvertedVoices
from realtime.conversion.voice_changer import VoiceChanger
from realtime.engines.registry import unknown_engine
from realtime.errors import SettingsError
from realtime.metrics import Metrics
from realtime.models.cleanup import Cleanup
from realtime.models.device_readings import DeviceReader
from realtime.models.loaded import LoadedModels
from realtime.models.memory_monitor import MemoryMonitor
from realtime.models.placement import split_device
from realtime.models.tasks import Tasks
from realtime.settings import Settings
from realtime.speech.prefetch import PrefetchJobs
from realtime.speech.speech import Speech
from realtime.warm_up.first_words import FirstWords
from realtime.warm_up.plan import AUTO, OFF, WarmUpPlanner
from realtime.warm_up.preload import Preload
from realtime.warm_up.voice_prompts import VoicePrompts
from realtime.warm_up.warm_up import WarmUp

logger = logging.getLogger(__name__)

QUIET_CHECK_SECONDS = 1.0  # between looks whether a network is quiet and could be prepared


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
    preload: Preload
    warm_up: WarmUp
    voice_prompts: VoicePrompts
    devices: DeviceReader
    memory_monitor: MemoryMonitor
    cleanup: Cleanup
    tasks: Tasks
    _loading: asyncio.Task[None] | None = field(default=None, repr=False)
    _preparing: asyncio.Task[None] | None = field(default=None, repr=False)
    _cleaning: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Scan the cache, and begin to load the engines that the settings name.

        `ready` becomes true when each of them has spoken once or failed and, with keys, when
        requests that are signed now can pass.
        """
        await self.cache.start()
        self._loading = asyncio.create_task(self._load_engines())
        self._preparing = asyncio.create_task(self._prepare_quiet_networks())
        self._cleaning = asyncio.create_task(self.cleanup.run())
        if self.settings.gpu.memory_monitoring_enabled:
            self.memory_monitor.start()

    @property
    def ready(self) -> bool:
        lost = CUDA_HEALTH.error is not None
        return self.preload.ended and self.guard.accepts_signatures and not lost

    async def close(self) -> None:
        self.preload.ended = False
        for task in filter(None, (self._loading, self._preparing, self._cleaning)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.prefetches.close()
        await self.cache.close()
        await self.models.close()
        await self.memory_monitor.stop()
        self.devices.close()

    async def _load_engines(self) -> None:
        await self.preload.run()
        await self.warm_up.run(self.preload.spoken)

    async def _prepare_quiet_networks(self) -> None:
        """Prepare quick forms of networks in the moments when nobody uses them."""
        while True:
            await asyncio.sleep(QUIET_CHECK_SECONDS)
            try:
                await asyncio.to_thread(self.acceleration.prepare_when_quiet)
            except Exception:
                logger.exception("a network could not be prepared in a quiet moment")


def build(
    settings: Settings, models: LoadedModels | None = None, clock: Clock | None = None
) -> Services:
    """Build the services of these settings; nothing is loaded and no thread runs yet."""
    devices = DeviceReader()
    models = models or LoadedModels(settings, read_devices=devices.read)
    check_engines("preload", (split_device(id)[0] for id in settings.preload), models)
    check_engines("models.devices", settings.models.devices, models)
    if settings.warm not in ((AUTO,), (OFF,)):
        check_engines("warm", settings.warm, models)
    characters = Characters(settings.presets.path, settings.default_characters, models.names())
    metrics = Metrics()
    cache = Cache(settings, count_event=metrics.count_cache_event)
    second_voices = ConvertedVoices(characters, models)
    speech = Speech(settings, characters, models, cache, metrics, second_voices)
    words = FirstWords(models, characters, speech)
    planner = WarmUpPlanner(settings, models, characters)
    prompts = VoicePrompts(models, characters, planner)
    monitor = MemoryMonitor(devices.read, settings.gpu.memory_monitoring_interval)
    monitor.alerts.on_alert(lambda alert: metrics.count_memory_alert(alert.device, alert.level))
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
        preload=Preload(settings.preload, models, words),
        warm_up=WarmUp(planner, models, words, prompts),
        voice_prompts=prompts,
        devices=devices,
        memory_monitor=monitor,
        cleanup=Cleanup(settings.gpu, settings.preload, models, monitor),
        tasks=Tasks(models, settings.tasks),
    )


def check_engines(setting: str, names: Iterable[str], models: LoadedModels) -> None:
    """Refuse a setting that names an engine which is not there; its model may come later."""
    for name in names:
        if not models.has_engine(name):
            raise SettingsError(
                f"{setting}: {unknown_engine(name, models.names()).message}", field=setting
            )
