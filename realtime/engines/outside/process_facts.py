"""Facts about the process of an engine outside, as a person may know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class ProcessFacts:
    """The process of an engine."""

    id: int | None  # None: there is none now
    memory_bytes: int
    device_bytes: int  # that it holds of a GPU
    restarts: int  # after crashes, since the server's start


@runtime_checkable
class RunsOutside(Protocol):
    """An engine whose work is done by a process of its own."""

    def process(self) -> ProcessFacts: ...

    def unload(self) -> None:
        """End the process; it may be called from any thread."""
