"""Memory of this process and of its machine, as Linux tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROCESS = Path("/proc/self/status")
MACHINE = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")  # the limits of this container, where there is one (cgroup v2)


@dataclass(frozen=True)
class ProcessMemory:
    """Sizes in bytes; 0 where the system does not tell."""

    resident: int
    total: int
    available: int


def read_memory(process: Path = PROCESS, machine: Path = MACHINE) -> ProcessMemory:
    """Read the memory that this process holds and that the machine has."""
    found = _sizes(machine)
    return ProcessMemory(
        resident=resident_bytes(process),
        total=found.get("MemTotal", 0) << 10,
        available=found.get("MemAvailable", 0) << 10,
    )


def resident_bytes(process: Path = PROCESS) -> int:
    """Read how many bytes this process holds in memory now."""
    return _sizes(process).get("VmRSS", 0) << 10


def free_bytes(machine: Path = MACHINE, container: Path = CONTAINER) -> int | None:
    """Read how much more memory this process could take; None where the system does not tell.

    A container may have less than the machine. The cache of files counts as free in both.
    """
    found = _sizes(machine).get("MemAvailable")
    machine_free = None if found is None else found << 10
    limit, used = (_number(container / f"memory.{name}") for name in ("max", "current"))
    if limit is None or used is None:
        return machine_free
    statistics = _words(container / "memory.stat")
    container_free = max(0, limit - used + int(statistics.get("inactive_file", "0")))
    return container_free if machine_free is None else min(machine_free, container_free)


def capacity_bytes(machine: Path = MACHINE, container: Path = CONTAINER) -> int | None:
    """Read how much memory the machine has, or its container may take; None if it is not told."""
    found = _sizes(machine).get("MemTotal")
    limits = [size for size in (found and found << 10, _number(container / "memory.max")) if size]
    return min(limits, default=None)


def _number(path: Path) -> int | None:
    """Read a file that holds one number; None when it holds a word, such as `max`."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _words(path: Path) -> dict[str, str]:
    """Read the lines `name value` of a file."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(" ") for line in lines)
    return {name: value for name, _, value in pairs if value.isdigit()}


def _sizes(path: Path) -> dict[str, int]:
    """Read the lines `Name: 123 kB` of one of the system's files: kilobytes by name."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    named = (line.partition(":") for line in lines if line.endswith(" kB"))
    return {name: int(value.split()[0]) for name, _, value in named}
