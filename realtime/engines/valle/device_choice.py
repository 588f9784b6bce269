"""What VALL-E X runs on and how, chosen without loading anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime.acceleration.machine import CPU_INFO, has_fast_bf16
from realtime.engines.valle import cuda_driver
from realtime.settings import Settings

SLOTS = {"cuda": 16, "cpu": 4}
BATCHES = (1, 4, 8, 16, 32, 64)  # few: each is compiled and tried, for every span


@dataclass(frozen=True)
class Run:
    """One way to run it."""

    device: str
    precision: str
    plan: str
    slots: int
    batches: tuple[int, ...]  # sizes of a step


def chosen(
    settings: Settings, gpu: Callable[[], bool] = cuda_driver.usable, processor: Path = CPU_INFO
) -> Run:
    """What the settings say; what they leave open is what suits this machine."""
    said = settings.valle
    device = said.device
    if device == "auto":
        device = "cuda" if gpu() else "cpu"
    precision = said.precision
    if precision == "auto":
        precision = "bf16" if device == "cuda" or has_fast_bf16(processor) else "fp32"
    plan = said.plan
    if plan == "auto":
        plan = "graphs" if device == "cuda" else "eager"
    slots = said.slots or SLOTS[device]
    batches = (slots,) if said.reproducible else _up_to(slots, plan)
    return Run(device, precision, plan, slots, batches)


def _up_to(slots: int, plan: str) -> tuple[int, ...]:
    if plan == "eager":
        return tuple(range(1, slots + 1))
    return (*(size for size in BATCHES if size < slots), slots)
