"""The plan of the warm-up: which engines listeners can need, and which of them can be loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from realtime.characters import Character, Characters
from realtime.engines.obstacles import block_obstacles
from realtime.engines.placeable import REMOTE
from realtime.errors import NotFound
from realtime.models.loaded import LoadedModels
from realtime.models.model_state import device_of
from realtime.models.process_memory import free_bytes
from realtime.settings import Settings
from realtime.weights import find_parts

MARGIN_BYTES = 400 << 20  # left free for lines, recordings and the rest of the machine
AUTO, OFF = "auto", "off"


@dataclass
class WarmUpState:
    """The warm-up of one engine, as far as it has come."""

    engine: str
    state: str = "waiting"  # waiting | warming | ready | failed | left_out
    languages: tuple[str, ...] = ()  # in which it speaks first words
    reason: str | None = None  # for a person: why it failed or was left out
    seconds: float | None = None


class WarmUpPlanner:
    """A maker of plans from the settings, the characters and the memory that there is."""

    def __init__(self, settings: Settings, models: LoadedModels, characters: Characters) -> None:
        self._settings = settings
        self._models = models
        self._characters = characters
        self._estimates = models.estimates

    def plan(self) -> list[WarmUpState]:
        """List the engines in their order, with the reasons of those that are left out."""
        wanted = self._settings.warm
        if wanted == (OFF,):
            return []
        if wanted != (AUTO,):
            return [WarmUpState(name) for name in dict.fromkeys(wanted)]
        names = models_of(self._characters.all(), self._default_names())
        return self._bounded(name for name in names if self._models.speaks(name))

    def shortage(self, name: str, promised: int = 0) -> str | None:
        """Say which memory an engine lacks, beside bytes promised to others; None for enough.

        Engines that the settings name are loaded in any case.
        """
        free = free_bytes()
        if self._settings.warm != (AUTO,) or self._models.is_loaded(name) or free is None:
            return None
        needed = self._estimates.estimate(self._models.engine(name))
        left = max(0, free - MARGIN_BYTES - promised)
        if needed <= left:
            return None
        return f"it takes about {megabytes(needed)}, and there is room for {megabytes(left)}"

    def record(self, name: str, taken: int) -> None:
        """Remember the bytes that an engine took, for the next start."""
        self._estimates.record(self._models.engine(name), taken)

    def _bounded(self, names: Iterable[str]) -> list[WarmUpState]:
        plan, promised = [], 0
        for name in names:
            reason = self._is_elsewhere(name) or self._missing_block(name)
            reason = reason or self._missing_files(name) or self.shortage(name, promised)
            if reason is None:
                plan.append(WarmUpState(name))
                if not self._models.is_loaded(name):
                    promised += self._estimates.estimate(self._models.engine(name))
            else:
                plan.append(WarmUpState(name, "left_out", reason=reason))
        return plan

    def _is_elsewhere(self, name: str) -> str | None:
        """Say why a server elsewhere is not asked: its first words may cost money."""
        if device_of(self._models.engine(name)) != REMOTE:
            return None
        return "a server elsewhere speaks it, which is asked when a line needs it"

    def _missing_block(self, name: str) -> str | None:
        obstacles = block_obstacles(self._models.engine(name).block)
        return f"{obstacles[0].what}: {obstacles[0].how}" if obstacles else None

    def _missing_files(self, name: str) -> str | None:
        files = self._models.engine(name).weights
        missing = [file.name for file in files if not find_parts(file, self._settings)]
        return f"{', '.join(missing)} is not there" if missing else None

    def _default_names(self) -> list[str]:
        found = []
        for language in self._settings.default_characters:
            try:
                found.append(self._characters.default(language).name)
            except NotFound:
                continue  # the setting names a character that is not there
        return found


def models_of(characters: Iterable[Character], first: Collection[str]) -> list[str]:
    """List the models that characters can speak with, those of the `first` characters first."""
    ordered = sorted(characters, key=lambda character: character.name not in first)
    names = (name for character in ordered for name in _engines(character.engines, character))
    return list(dict.fromkeys(names))


def _engines(by_language: Mapping[str, str], character: Character) -> Iterable[str]:
    return (*by_language.values(), character.model)


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
