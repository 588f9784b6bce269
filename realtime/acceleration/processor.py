"""What a processor can do with short floats, as its system tells it; it needs no torch."""

from __future__ import annotations

from pathlib import Path

PROCESSOR = Path("/proc/cpuinfo")
SHORT_FLOATS = ("amx_bf16", "avx512_bf16")  # with one of them bf16 is quicker than fp32


def has_short_floats(processor: Path = PROCESSOR) -> bool:
    try:
        flags = processor.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return any(flag in flags for flag in SHORT_FLOATS)
