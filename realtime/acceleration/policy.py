"""Limits of acceleration (folders, memory, when to prepare) and the ladder of plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from realtime.engine_settings import PRECISIONS as PRECISIONS
from realtime.errors import BadRequest
from realtime.settings import Settings


@dataclass(frozen=True)
class LadderStep:
    """The plans that follow a plan that cannot run, and the devices where `auto` measures it."""

    then: tuple[str, ...]
    measured_on: tuple[str, ...]


# In the order in which `auto` measures: plans that are cheap to make come first, as its time may
# end. `eager_graphs` falls back to `eager` and not to `compile`: it is chosen where minutes of
# compiling are too long.
LADDER = {
    "eager": LadderStep((), ("cpu", "cuda")),
    "onnx": LadderStep(("eager",), ("cpu",)),
    "eager_graphs": LadderStep(("eager",), ("cuda",)),
    "compile": LadderStep(("eager",), ("cpu", "cuda")),
    "graphs": LadderStep(("eager_graphs", "compile", "eager"), ("cuda",)),
    "tensorrt": LadderStep(("graphs", "eager_graphs", "compile", "eager"), ("cuda",)),
}


def ladder(plan: str) -> tuple[str, ...]:
    """Give a plan and those that are tried after it, the last of which is always eager."""
    return (plan, *LADDER[plan].then)


def candidates(device_type: str) -> tuple[str, ...]:
    """Give the plans that `auto` measures on a kind of device, in their order."""
    kind = "cuda" if device_type == "cuda" else "cpu"
    return tuple(plan for plan, step in LADDER.items() if kind in step.measured_on)


@dataclass(frozen=True)
class Policy:
    """Limits for one network. The defaults suit a program; `of` takes the server's settings."""

    enabled: bool = True
    when_idle: bool = False  # prepare buckets in quiet moments, not when they are first called
    folder: Path | None = None  # where engines and choices are kept; None: nowhere
    folder_bytes: int = 8 << 30
    auto_seconds: float = 120.0  # `auto` begins no further plan after that
    graphs: int = 64  # CUDA graphs held at once
    graph_bytes: int = 4 << 30
    lease_seconds: float = 1.0  # how long a call waits for buffers that another one holds
    tuned: bool = False  # compile longer for quicker kernels
    workspace_bytes: int = 1 << 30  # that TensorRT may build with; the network's own setting
    autocast: bool = False
    clear_memory: bool = True
    memory_fraction: float = 0.0  # of a GPU's memory, for all of this process; 0: no bound

    @classmethod
    def of(cls, settings: Settings, *, when_idle: bool = True) -> Policy:
        """Make the policy that the server's settings describe."""
        found = settings.acceleration
        return cls(
            enabled=found.enabled,
            when_idle=when_idle,
            folder=found.path,
            folder_bytes=found.cache_bytes,
            auto_seconds=found.auto_seconds,
            graphs=found.graphs,
            graph_bytes=found.graph_bytes,
            tuned=found.tuned,
            autocast=found.autocast,
            clear_memory=found.clear_memory,
            memory_fraction=found.memory_fraction,
        )


def check(plan: str, precision: str) -> None:
    """Refuse names that do not exist."""
    if plan not in ("auto", *LADDER):
        raise BadRequest(f"There is no plan {plan!r}; there are: auto, {', '.join(LADDER)}.")
    if precision not in PRECISIONS:
        raise BadRequest(
            f"There is no precision {precision!r}; there are: {', '.join(PRECISIONS)}."
        )
