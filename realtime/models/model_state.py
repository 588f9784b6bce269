"""The state of a model, as it is told to people and programs."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.engines.contract import Engine, TellsDevice
from realtime.engines.outside.process_facts import ProcessFacts, RunsOutside


@dataclass(frozen=True)
class ModelState:
    """Facts about a model for a person."""

    id: str
    name: str
    engine: str
    kind: str
    state: str  # unloaded | loading | loaded | unloading | failed
    languages: tuple[str, ...]
    leases: int
    users: tuple[str, ...]  # who hold the leases, the first few
    load_ms: float | None
    last_used_ms: int | None  # when it was asked for last, since the server's start
    unloads_in_s: int | None  # unless it is used before; None: not by itself
    task: str | None  # that keeps it loaded
    device: str  # where it runs, or would: cpu, cuda:0
    memory_bytes: int | None  # that loading it took on its device
    process: ProcessFacts | None  # its own process, where it runs outside this one
    error: str | None
    error_code: str | None
    hint: str | None  # what to do about the error


def device_of(engine: Engine) -> str:
    """Give the device of an engine: where it runs, or would if it were loaded."""
    return engine.runs_on() if isinstance(engine, TellsDevice) else "cpu"


def process_of(engine: Engine) -> ProcessFacts | None:
    """Give the process of an engine that runs outside; None for one that runs here."""
    return engine.process() if isinstance(engine, RunsOutside) else None
