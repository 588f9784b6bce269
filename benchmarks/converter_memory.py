"""Memory of a first and a second voice, each pair in a process of its own."""

from __future__ import annotations

import ctypes
import gc
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks.converter_bench import ConverterBench, Rows
from benchmarks.converter_models import DDSP, bring_voice, settings_for
from realtime.engines.ddsp_svc.engine import DdspSvc
from realtime.engines.rvc.engine import Rvc
from realtime.models.process_memory import resident_bytes

SECOND = "second"  # the end of the second voice's name


def measure_memory(bench: ConverterBench) -> Rows:
    """Measure what a voice takes alone, and what another one of its kind adds."""
    rows: Rows = []
    for voice in bench.voices:
        copy = f"{voice.name}_{SECOND}"
        second = bring_voice(
            bench.models, voice.id, copy, small=bench.options.small, vectors=bench.vectors
        )
        names = (voice.name, second.name)
        with get_context("spawn").Pool(1) as pool:  # what others left behind would hide it
            first, added = pool.apply(
                grown_by, (bench.models, bench.options.device, voice.engine, names)
            )
        rows.append(
            {
                "voice": voice.id,
                "file MB": round(voice.size / 1e6, 1),
                "first MB": round(first / 1e6, 1),
                "second MB": round(added / 1e6, 1),
                "second / file": round(added / voice.size, 2),
            }
        )
    return rows


def grown_by(models: Path, device: str, engine: str, names: tuple[str, ...]) -> list[int]:
    """Load voices one after the other, and return the bytes that each added."""
    settings, kind = settings_for(models, device), DdspSvc if engine == DDSP else Rvc
    engines, sizes = [], [_used(device)]
    for name in names:
        loaded = kind(settings, name)
        loaded.load()
        engines.append(loaded)
        sizes.append(_used(loaded.runs_on()))
    return [after - before for before, after in zip(sizes, sizes[1:], strict=False)]


def _used(device: str) -> int:
    gc.collect()
    if device.startswith("cuda"):
        return torch.cuda.memory_allocated(device)
    # What the first voice freed, the second would take without a trace.
    ctypes.CDLL(None).malloc_trim(0)
    return resident_bytes()
