"""Plans that build an engine once, keep its file, and run it for every length; it names none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from realtime.acceleration import machine
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.compile_thread import run_on_compile_thread
from realtime.acceleration.backends.engine_files import EngineFiles
from realtime.acceleration.counters import error_text
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec

logger = logging.getLogger(__name__)

Engine = Callable[[Tensors], Tensors]


class Builder(Protocol):
    """How one runtime makes and loads its engines."""

    plan: str

    def check(self, parts: NetworkSpec) -> None:
        """Raise CannotRun when this network cannot run so, or not here."""

    def facts(self, parts: NetworkSpec) -> dict[str, str]:
        """What an engine depends on besides the network, its shapes and its precision."""
        ...

    def build(self, parts: NetworkSpec) -> bytes: ...

    def load(self, parts: NetworkSpec, data: bytes) -> Engine: ...


class Built(Backend):
    """An engine from its file, or built and kept; a file that is no good is built again."""

    dynamic = True

    def __init__(self, parts: NetworkSpec, builder: Builder) -> None:
        self.plan = builder.plan
        builder.check(parts)
        self._parts = parts
        self._builder = builder
        self._files = EngineFiles(parts.policy.folder, parts.policy.folder_bytes)
        self._key = key_of(parts, builder.facts(parts))
        self._notes: list[str] = []
        self._from_file = False
        self._engine = self._loaded() or self._made()

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        """One engine is for all buckets."""

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        return self._engine(inputs)

    def described(self) -> dict[str, Any]:
        return {"from_file": self._from_file, "notes": list(self._notes)}

    def _loaded(self) -> Engine | None:
        found = self._files.find(self.plan, self._key)
        if found.note is not None:
            self._note(f"{found.note}; built again")
        if found.data is None:
            return None
        try:
            engine = self._builder.load(self._parts, found.data)
        except Exception as error:  # noqa: BLE001 -- a file that a runtime refuses is built again
            self._note(f"its file does not load ({error_text(error)}); built again")
            self._files.remove(self.plan, self._key)
            return None
        self._from_file = True
        return engine

    def _made(self) -> Engine:
        data = run_on_compile_thread(lambda: self._builder.build(self._parts))
        engine = self._builder.load(self._parts, data)
        # Kept only when it loads: a file that is there is one that worked.
        note = self._files.keep(self.plan, self._key, data)
        if note is not None:
            self._note(note)
        return engine

    def _note(self, words: str) -> None:
        self._notes.append(words)
        logger.warning("%s: %s: %s", self._parts.name, self.plan, words)


def key_of(parts: NetworkSpec, facts: dict[str, str]) -> dict[str, Any]:
    """What a file of a network depends on; nothing where none is kept: it takes a while to tell."""
    if parts.policy.folder is None:
        return {}
    shapes = parts.shapes
    return {
        "digest": machine.network_digest(parts.network.given),
        "precision": parts.network.precision,
        "autocast": parts.policy.autocast,
        "device": parts.network.device.type,
        "inputs": [list(shapes.shape(i, shapes.largest)) for i in range(len(parts.examples))],
        "axes": [[list(axis.sizes), sorted(axis.inputs.items())] for axis in shapes.axes],
        **facts,
    }
