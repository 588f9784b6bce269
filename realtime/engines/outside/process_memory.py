"""Memory of another process, as Linux tells it."""

from __future__ import annotations

import os

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes_of(pid: int) -> int:
    """Read how many bytes a process holds in memory; 0 where it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as opened:
            return int(opened.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
