"""The backend of plans that build an engine once, keep its file, and run it for every length."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
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
    """A runtime's way to build and load its engines."""

    plan: str

    def check(self, spec: NetworkSpec) -> None:
        """Raise CannotRun when this network cannot run so, or not here."""

    def facts(self, spec: NetworkSpec) -> dict[str, str]:
        """Name what an engine depends on besides the network, its shapes and its precision."""
        ...

    def build(self, spec: NetworkSpec) -> bytes: ...

    def load(self, spec: NetworkSpec, data: bytes) -> Engine: ...


class Built(Backend):
    """An engine from its file, or built and kept; a file that is no good is built again."""

    dynamic = True

    def __init__(self, spec: NetworkSpec, builder: Builder) -> None:
        self.plan = builder.plan
        builder.check(spec)
        self._spec = spec
        self._builder = builder
        self._files = EngineFiles(spec.policy.folder, spec.policy.folder_bytes)
        self._key = file_key(spec, builder.facts(spec))
        self._notes: list[str] = []
        self._from_file = False
        self._engine = self._load() or self._build()

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        pass  # one engine serves all buckets

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        return self._engine(inputs)

    def described(self) -> dict[str, Any]:
        return {"from_file": self._from_file, "notes": list(self._notes)}

    def _load(self) -> Engine | None:
        found = self._files.find(self.plan, self._key)
        if found.note is not None:
            self._note(f"{found.note}; built again")
        if found.data is None:
            return None
        try:
            engine = self._builder.load(self._spec, found.data)
        except Exception as error:  # noqa: BLE001 -- a file that a runtime refuses is built again
            self._note(f"its file does not load ({error_text(error)}); built again")
            self._files.remove(self.plan, self._key)
            return None
        self._from_file = True
        return engine

    def _build(self) -> Engine:
        data = run_on_compile_thread(lambda: self._builder.build(self._spec))
        engine = self._builder.load(self._spec, data)
        # Kept only when it loads: a file that is there is one that worked.
        note = self._files.keep(self.plan, self._key, data)
        if note is not None:
            self._note(note)
        return engine

    def _note(self, words: str) -> None:
        self._notes.append(words)
        logger.warning("%s: %s: %s", self._spec.name, self.plan, words)


def file_key(spec: NetworkSpec, facts: dict[str, str]) -> dict[str, Any]:
    """Name what a file of a network depends on; empty where no files are kept."""
    if spec.policy.folder is None:
        return {}  # the digest reads every weight, which takes a while
    shapes = spec.shapes
    return {
        "digest": machine.network_digest(spec.network.given),
        "precision": spec.network.precision,
        "autocast": spec.policy.autocast,
        "device": spec.network.device.type,
        "inputs": [list(shapes.shape(i, shapes.largest)) for i in range(len(spec.examples))],
        "axes": [[list(axis.sizes), sorted(axis.inputs.items())] for axis in shapes.axes],
        **facts,
    }
