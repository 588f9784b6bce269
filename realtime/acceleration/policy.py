"""How far acceleration may go: folders, bounds, when to prepare; it accelerates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from realtime import engine_settings
from realtime.engine_settings import PRECISIONS as PRECISIONS
from realtime.errors import BadRequest
from realtime.settings import Settings

PLANS = tuple(plan for plan in engine_settings.PLANS if plan != "auto")
# What is tried when a plan cannot run; eager always can.
NEXT = {
    "tensorrt": ("graphs", "eager_graphs", "compile"),
    "graphs": ("eager_graphs", "compile"),
    "eager_graphs": (),
    "compile": (),
    "onnx": (),
    "eager": (),
}


@dataclass(frozen=True)
class Policy:
    """What holds for one network; the defaults suit a program, `of` what the settings say."""

    enabled: bool = True
    when_idle: bool = False  # prepare buckets in quiet moments, not when they are first called
    folder: Path | None = None  # where engines and choices are kept; None: nowhere
    folder_bytes: int = 8 << 30
    auto_seconds: float = 120.0  # no further plan is tried after that
    graphs: int = 64  # recordings held at once
    graph_bytes: int = 4 << 30
    lease_seconds: float = 1.0  # how long a call waits for buffers that another one holds
    tuned: bool = False  # compile longer for quicker kernels
    workspace_bytes: int = 1 << 30
    autocast: bool = False
    clear_memory: bool = True
    memory_fraction: float = 0.0  # of a GPU's memory, for all of this process; 0: no bound

    @classmethod
    def of(cls, settings: Settings, *, when_idle: bool = True) -> Policy:
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
            workspace_bytes=found.workspace_bytes,
            autocast=found.autocast,
            clear_memory=found.clear_memory,
            memory_fraction=found.memory_fraction,
        )


def check(plan: str, precision: str) -> None:
    """Refuse names that do not exist."""
    if plan not in ("auto", *PLANS):
        raise BadRequest(f"There is no plan {plan!r}; there are: auto, {', '.join(PLANS)}.")
    if precision not in PRECISIONS:
        raise BadRequest(
            f"There is no precision {precision!r}; there are: {', '.join(PRECISIONS)}."
        )


def ladder(plan: str) -> tuple[str, ...]:
    """A plan and what is tried after it."""
    return (plan, *NEXT[plan])
