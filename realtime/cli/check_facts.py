"""The facts that `check` tells, gathered without loading anything heavy."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime import blocks
from realtime.characters import Character, Characters
from realtime.configuration import LoadedSettings
from realtime.engines.brought import ModelsFile, list_files
from realtime.engines.obstacles import (
    Obstacle,
    block_obstacles,
    file_obstacles,
    find_obstacles,
)
from realtime.engines.valle.weights import CLONING_FILES
from realtime.models.devices import Cuda, Processor, find_cuda, find_processor
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings, all_settings, value_of
from realtime.vocoders import checkpoints
from realtime.weights import WeightFile, source_of

CLONING = "cloning"  # the name under which the making of characters is listed beside engines


@dataclass(frozen=True)
class FileSource:
    """A file that an engine needs; `source` says where it comes from, None for a missing one."""

    name: str
    source: str | None


@dataclass(frozen=True)
class EngineReport:
    name: str
    kind: str  # speak | convert | detect | recognise | vocode | clone
    can_run: bool
    obstacles: tuple[Obstacle, ...]
    files: tuple[FileSource, ...]


@dataclass(frozen=True)
class DiskReport:
    path: str
    free_bytes: int


@dataclass(frozen=True)
class DeviceReport:
    processor: Processor
    disk: DiskReport
    cuda: Cuda


@dataclass(frozen=True)
class CharacterReport:
    count: int
    path: str
    languages: Mapping[str, int]  # native ones
    broken: Mapping[str, str]  # file -> reason


@dataclass(frozen=True)
class SettingReport:
    name: str
    value: Any
    default: Any
    source: str | None  # a file, a variable or an option; None for the default


@dataclass(frozen=True)
class Installation:
    """The parts that the report and the search for problems look at."""

    settings: Settings
    models: LoadedModels
    characters: Characters

    @classmethod
    def of(cls, settings: Settings) -> Installation:
        models = LoadedModels(settings)
        path, defaults = settings.presets.path, settings.default_characters
        return cls(settings, models, Characters(path, defaults, models.names()))


def report_engines(installation: Installation) -> list[EngineReport]:
    """Describe every engine, every vocoder, and the making of characters."""
    settings, models = installation.settings, installation.models
    found = []
    for state in models.states():
        engine = models.engine(state.id)
        obstacles = find_obstacles(engine, settings, read_files=True)
        found.append(_engine(state.id, state.kind, obstacles, engine.weights, settings))
    for name, files in checkpoints.FILES.items():
        found.append(_torch_user(name, "vocode", files, settings))
    return [*found, _torch_user(CLONING, "clone", CLONING_FILES, settings)]


def report_devices(settings: Settings) -> DeviceReport:
    folder = nearest_folder(settings.cache.path)
    disk = DiskReport(str(settings.cache.path), shutil.disk_usage(folder).free)
    return DeviceReport(find_processor(), disk, find_cuda())


def report_characters(installation: Installation) -> CharacterReport:
    characters = installation.characters.all()
    natives = Counter(each.language for each in characters)
    broken = dict(installation.characters.broken)
    path = str(installation.settings.presets.path)
    return CharacterReport(len(characters), path, dict(sorted(natives.items())), broken)


def report_files(settings: Settings) -> list[ModelsFile]:
    return list_files(settings)


def report_settings(loaded: LoadedSettings) -> Iterator[SettingReport]:
    """Describe every setting; secrets are left out of the values."""
    for setting in all_settings():
        value = value_of(loaded.settings, setting.name)
        shown = _hidden(value) if setting.limits.get("secret") else _shown(value)
        source = loaded.sources.get(setting.name)
        yield SettingReport(setting.name, shown, _shown(setting.default), source)


def characters_of(installation: Installation, engine: str) -> list[Character]:
    """List the characters whose voice is one for an engine, or for one of its models by its id."""
    known = installation.characters.all()
    return [each for each in known if engine in (each.engine, each.model)]


def nearest_folder(path: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    absolute = path.absolute()
    return next(each for each in (absolute, *absolute.parents) if each.is_dir())


def _torch_user(
    name: str, kind: str, files: tuple[WeightFile, ...], settings: Settings
) -> EngineReport:
    obstacles = [
        *block_obstacles(blocks.TORCH),
        *file_obstacles(files, settings, read_files=True),
    ]
    return _engine(name, kind, obstacles, files, settings)


def _engine(
    name: str,
    kind: str,
    obstacles: list[Obstacle],
    files: tuple[WeightFile, ...],
    settings: Settings,
) -> EngineReport:
    sources = tuple(FileSource(file.name, source_of(file, settings)) for file in files)
    return EngineReport(name, kind, not obstacles, tuple(obstacles), sources)


def _shown(value: Any) -> Any:
    """Return a value as JSON has it; a password in an address is left out."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_shown(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _shown(each) for name, each in value.items()}
    if isinstance(value, str) and "://" in value and "@" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}"
    return value


def _hidden(value: tuple[str, ...]) -> list[str]:
    """Return the ids of keys `id:secret` alone."""
    return [f"{each.partition(':')[0]}:…" for each in value]
