"""Ears for tests: a detector that goes by level, and a recogniser that writes what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime import engines
from realtime.audio.samples import Pcm
from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Samples, Transcript
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import ModelsSettings as ModelSettings
from realtime.settings import Settings
from realtime.weights import WeightFile

RATE = 16000


class Levels:
    """Whoever is loud speaks."""

    name = "silero"
    version = "1"
    sample_rate = RATE
    frame = 512
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.asked = 0  # frames

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def detect(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        frames = samples.reshape(-1, self.frame)
        self.asked += len(frames)
        return (np.sqrt(np.mean(frames**2, axis=1)) > 0.05).astype(np.float32), "heard before"


class Typist:
    """Writes `abc` for whatever is said, unless a test wants something else; it may be held up."""

    name = "revoice"
    version = "1"
    sample_rate = RATE
    pause = 0.35
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.heard: list[Samples] = []
        self.asked: list[tuple[str | None, str | None]] = []
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
        return [round(samples.size / RATE, 1) for samples in self.heard]


def with_ears(settings: Settings, levels: Levels, typist: Typist) -> Services:
    """Everything as it is, but for who listens."""
    ears: dict[str, Any] = {"silero": levels, "revoice": typist}

    def create(name: str, settings: Settings) -> Any:
        return ears.get(name) or engines.create(name, settings)

    return build(settings, LoadedModels(settings, create))


@cache
def loaded(name: str, folder: Path) -> Any:
    """A real engine, loaded once for all tests."""
    engine: Any = engines.create(name, Settings(models=ModelSettings(path=folder)))
    engine.load()
    engine.load = engine.unload = lambda: None
    return engine


def real(settings: Settings) -> Services:
    """Everything as it is; what is slow to load is loaded once."""

    def create(name: str, settings: Settings) -> Any:
        if name in ("silero", "revoice", "hibari", "kokoro"):
            return loaded(name, settings.models.path)
        return engines.create(name, settings)

    return build(settings, LoadedModels(settings, create))


def sound(*seconds: float, rate: int = RATE) -> Pcm:
    """A hum and a silence in turns, each so many seconds long."""
    parts = []
    for number, length in enumerate(seconds):
        place = np.arange(round(length * rate))
        hum = 9_000 * np.sin(2 * np.pi * 150 * place / rate)
        parts.append((hum if number % 2 == 0 else 0 * hum).astype(np.int16))
    return np.concatenate(parts)


def silence(seconds: float, rate: int = RATE) -> Pcm:
    return np.zeros(round(seconds * rate), np.int16)


def joined(parts: Iterable[Pcm]) -> Pcm:
    found: npt.NDArray[np.int16] = np.concatenate([np.zeros(0, np.int16), *parts])
    return found


def known(settings: Settings) -> Characters:
    return Characters(settings.presets.path, settings.default_characters)
