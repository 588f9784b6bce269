"""A detector that goes by level and a recogniser that writes what a test says, and their sound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime import blocks
from realtime.audio.samples import Pcm
from realtime.engines import registry
from realtime.engines.contract import CancelToken, Samples, Transcript
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import ModelsSettings, Settings
from realtime.weights import WeightFile
from tests.support.cores import cores_each

RATE = 16000


class LevelDetector:
    """A voice activity detector that takes every loud frame for speech."""

    name = "silero"
    version = "1"
    sample_rate = RATE
    frame = 512
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.frames_checked = 0

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def detect(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        frames = samples.reshape(-1, self.frame)
        self.frames_checked += len(frames)
        return (np.sqrt(np.mean(frames**2, axis=1)) > 0.05).astype(np.float32), "heard before"


class ScriptedRecogniser:
    """A recogniser that understands `abc`, unless a test sets `write`; it waits for `may_go_on`."""

    name = "revoice"
    version = "1"
    sample_rate = RATE
    pause = 0.35
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.heard: list[Samples] = []
        self.asked: list[tuple[str | None, str | None]] = []  # language and usual language
        self.write: Callable[[Samples], Transcript] = lambda samples: Transcript("abc", "en")
        self.begun = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def recognise(
        self, samples: Samples, language: str | None, usual: str | None, cancel: CancelToken
    ) -> Transcript:
        self.heard.append(samples)
        self.asked.append((language, usual))
        self.begun.set()
        assert self.may_go_on.wait(60)
        cancel.check()
        return self.write(samples)

    @property
    def seconds(self) -> list[float]:
        """Return how long each sentence lasted."""
        return [round(samples.size / RATE, 1) for samples in self.heard]


def services_with_fakes(
    settings: Settings, detector: LevelDetector, recogniser: ScriptedRecogniser
) -> Services:
    """Build the services with these two fakes; all other engines are real."""
    fakes: dict[str, Any] = {"silero": detector, "revoice": recogniser}

    def create(name: str, settings: Settings) -> Any:
        return fakes.get(name) or registry.create(name, settings)

    return build(settings, LoadedModels(settings, create))


@cache
def loaded_engine(name: str, folder: Path) -> Any:
    """Return a real engine, loaded once for all tests."""
    models = ModelsSettings(path=folder, threads=cores_each())
    engine: Any = registry.create(name, Settings(models=models))
    engine.load()
    engine.load = engine.unload = lambda: None
    return engine


def real_services(settings: Settings) -> Services:
    """Build the services with real engines; those that are slow to load are loaded once."""

    def create(name: str, settings: Settings) -> Any:
        if name in ("silero", "revoice", "hibari", "kokoro"):
            return loaded_engine(name, settings.models.path)
        return registry.create(name, settings)

    return build(settings, LoadedModels(settings, create))


def hums(*seconds: float, rate: int = RATE) -> Pcm:
    """Make hums and silences in turns, each so many seconds long; the first is a hum."""
    parts = []
    for number, length in enumerate(seconds):
        if number % 2:
            parts.append(silence(length, rate))
        else:
            time = np.arange(round(length * rate)) / rate
            parts.append((9_000 * np.sin(2 * np.pi * 150 * time)).astype(np.int16))
    return np.concatenate(parts)


def silence(seconds: float, rate: int = RATE) -> Pcm:
    return np.zeros(round(seconds * rate), np.int16)


def joined(parts: Iterable[Pcm]) -> Pcm:
    found: npt.NDArray[np.int16] = np.concatenate([np.zeros(0, np.int16), *parts])
    return found
