"""The choice of device, precision, plan and sizes for VALL-E X, made without loading anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime.acceleration import cuda_driver
from realtime.acceleration.machine import CPU_INFO, has_fast_bf16
from realtime.engines.placeable import kind_of
from realtime.settings import Settings

SLOTS = {"cuda": 16, "cpu": 4}
BATCH_SIZES = (1, 4, 8, 16, 32, 64)  # few: each is compiled and tried, for every span


@dataclass(frozen=True)
class RunConfig:
    """The device and the way in which VALL-E X runs there."""

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
    settings: Settings,
    has_gpu: Callable[[], bool] = cuda_driver.has_usable_gpu,
    processor: Path = CPU_INFO,
) -> RunConfig:
    """Choose by the settings; `auto` becomes the one that suits this machine."""
    valle = settings.valle
    device = valle.device
    if device == "auto":
        device = "cuda" if has_gpu() else "cpu"
    precision = valle.precision
    if precision == "auto":
        precision = "bf16" if device == "cuda" or has_fast_bf16(processor) else "fp32"
    plan = valle.plan
    if plan == "auto":
        plan = "graphs" if device == "cuda" else "eager"
    slots = valle.slots or SLOTS[device]
    batch_sizes = (slots,) if valle.reproducible else _sizes_up_to(slots, plan)
    return RunConfig(device, precision, plan, slots, batch_sizes)


def _sizes_up_to(slots: int, plan: str) -> tuple[int, ...]:
    if plan == "eager":  # any size costs nothing to prepare
        return tuple(range(1, slots + 1))
    return (*(size for size in BATCH_SIZES if size < slots), slots)
