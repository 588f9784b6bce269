"""What VALL-E X runs on and how, chosen without loading anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime.settings import Settings
from realtime.valle import driver

PROCESSOR = Path("/proc/cpuinfo")
SHORT_FLOATS = ("amx_bf16", "avx512_bf16")  # a processor with one of them reckons in bf16
SLOTS = {"cuda": 16, "cpu": 4}
BATCHES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Run:
    """One way to run it."""

    device: str
    precision: str
    plan: str
    slots: int
    batches: tuple[int, ...]  # sizes of a step


def chosen(
    settings: Settings, gpu: Callable[[], bool] = driver.usable, processor: Path = PROCESSOR
) -> Run:
    """What the settings say; what they leave open is what suits this machine."""
    said = settings.valle
    device = said.device
    if device == "auto":
        device = "cuda" if gpu() else "cpu"
    precision = said.precision
    if precision == "auto":
        precision = "bf16" if device == "cuda" or _has_short_floats(processor) else "fp32"
    plan = said.plan
    if plan == "auto":
        plan = "graphs" if device == "cuda" else "eager"
    slots = said.slots or SLOTS[device]
    batches = (slots,) if said.reproducible else _up_to(slots)
    return Run(device, precision, plan, slots, batches)


def _up_to(slots: int) -> tuple[int, ...]:
    return (*(size for size in BATCHES if size < slots), slots)


def _has_short_floats(processor: Path) -> bool:
    try:
        flags = processor.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return any(flag in flags for flag in SHORT_FLOATS)
