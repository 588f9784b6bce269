"""Engines of our own registry in a process of their own, by the setting `outside.engines`.

The engine itself is made here too, and never loaded: it tells all that is known without loading,
so that names, languages, files and the keys of recordings are the same inside and outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, cast

from realtime.configuration import plain_settings
from realtime.engines.contract import (
    CancelToken,
    ConversionPlan,
    Converter,
    Engine,
    Samples,
    Synthesizer,
)
from realtime.engines.outside import protocol
from realtime.engines.outside.engine import OutsideEngine, OutsideSynthesizer
from realtime.engines.several_models import id_of
from realtime.engines.voice_change import VoiceChange
from realtime.errors import SettingsError
from realtime.settings import Settings

ADAPTER = "ours"
MOST_PLANS = 64  # that are remembered
# Faces of engines that need nothing loaded: the engine here answers for the one outside.
FACES = (
    *("options", "can_speak", "check_files", "can_prepare", "prepare"),
    *("runs_on", "wanted_device", "find_models", "has_model", "files_of", "model"),
)
KNOWN = (
    *("name", "version", "languages", "sample_rate", "first_piece", "work", "keeps_time"),
    *("block", "weights", "output_rate"),
)


def put_outside(engine: Engine, settings: Settings) -> Engine:
    """Return the proxy of an engine of ours; refuse a kind that cannot be outside."""
    if isinstance(engine, Synthesizer):
        return cast("Engine", OurSynthesizer(engine, settings))
    if isinstance(engine, Converter):
        return cast("Engine", OurConverter(engine, settings))
    raise SettingsError(
        f"outside.engines names {engine.name!r}; only engines that speak or change a voice can "
        "run in a process of their own.",
        field="outside.engines",
    )


class _OurEngine(OutsideEngine):
    """An engine of ours outside, with the faces that the engine has."""

    adapter = ADAPTER

    def __init__(self, engine: Any, settings: Settings) -> None:
        self.inner = engine
        self.name = engine.name
        self.device = ""  # that it was told
        super().__init__(settings)
        for face in FACES:
            if hasattr(engine, face):
                setattr(self, face, getattr(engine, face))
        if hasattr(engine, "with_model"):
            self.with_model = lambda model: put_outside(engine.with_model(model), settings)
        if hasattr(engine, "place"):
            self.place = self._place

    def __getattr__(self, name: str) -> Any:
        """Return a fact of the engine here: its files may change it at any time."""
        if name in KNOWN:
            return getattr(self.inner, name)
        raise AttributeError(name)

    def load_options(self) -> dict[str, Any]:
        return {
            "id": id_of(self.inner),
            "device": self.device,
            "settings": plain_settings(self.settings),
        }

    def _place(self, device: str) -> None:
        self.device = device
        self.inner.place(device)


class OurSynthesizer(_OurEngine, OutsideSynthesizer):
    """A synthesizer of ours outside."""


class OurConverter(_OurEngine):
    """A converter of ours outside."""

    def __init__(self, engine: Any, settings: Settings) -> None:
        super().__init__(engine, settings)
        self._plans: dict[tuple[int, VoiceChange], ConversionPlan] = {}

    def plan(self, change: VoiceChange) -> ConversionPlan:
        """Return the plan; where it depends on the loaded voice the process is asked."""
        pid = self.supervisor.process().id
        if pid is None:
            plan: ConversionPlan = self.inner.plan(change)
            return plan
        if (pid, change) not in self._plans:  # the event loop asks for it, so it asks once
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            found = self.supervisor.ask("plan", {"change": asdict(change)})
            self._plans[pid, change] = ConversionPlan(**found)
        return self._plans[pid, change]

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        def begin(number: int) -> protocol.Convert:
            return protocol.Convert(number, asdict(change))

        for samples, _ in self.supervisor.stream(begin, cancel, blocks):
            yield samples
