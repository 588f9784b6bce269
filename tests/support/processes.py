"""Processes that a test has started, or that were started by those."""

from __future__ import annotations

from pathlib import Path


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has reaped yet has."""
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def children_of(pid: int) -> list[int]:
    """List the processes that a process has started and that still run."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
