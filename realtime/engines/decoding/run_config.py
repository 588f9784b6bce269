"""The choice of device, precision, plan and sizes for a model of steps, without loading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from realtime.acceleration import cuda_driver
from realtime.acceleration.machine import CPU_INFO, has_fast_bf16
from realtime.engines.placeable import kind_of

SLOTS = {"cuda": 16, "cpu": 4}
BATCH_SIZES = (1, 4, 8, 16, 32, 64)  # few: each is compiled and tried, for every span


class WantedRun(Protocol):
    """The settings of an engine that say how it runs; each may be `auto`, and slots 0."""

    @property
    def device(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def plan(self) -> str: ...

    @property
    def slots(self) -> int: ...


@dataclass(frozen=True)
class RunConfig:
    """The device, and the way in which a model runs there."""

    device: str
    precision: str
    plan: str
    slots: int
    batch_sizes: tuple[int, ...]  # of a step; the last one is all slots

    @property
    def kind(self) -> str:
        """Return `cpu` or `cuda`: on whatever GPU it runs, the sound is the same."""
        return kind_of(self.device)


def choose_run(
    wanted: WantedRun,
    reproducible: bool = False,
    has_gpu: Callable[[], bool] = cuda_driver.has_usable_gpu,
    processor: Path = CPU_INFO,
) -> RunConfig:
    """Choose by the settings; `auto` becomes the one that suits this machine.

    `reproducible` gives every step the same batch size.
    """
    device = wanted.device
    if device == "auto":
        device = "cuda" if has_gpu() else "cpu"
    precision = wanted.precision
    if precision == "auto":
        precision = "bf16" if device == "cuda" or has_fast_bf16(processor) else "fp32"
    plan = wanted.plan
    if plan == "auto":
        plan = "graphs" if device == "cuda" else "eager"
    slots = wanted.slots or SLOTS[device]
    batch_sizes = (slots,) if reproducible else _sizes_up_to(slots, plan)
    return RunConfig(device, precision, plan, slots, batch_sizes)


def _sizes_up_to(slots: int, plan: str) -> tuple[int, ...]:
    if plan == "eager":  # any size costs nothing to prepare
        return tuple(range(1, slots + 1))
    return (*(size for size in BATCH_SIZES if size < slots), slots)
