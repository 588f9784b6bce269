"""Memory of this process and of its machine, as Linux tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROCESS = Path("/proc/self/status")
MACHINE = Path("/proc/meminfo")


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


def _sizes(path: Path) -> dict[str, int]:
    """Read the lines `Name: 123 kB` of one of the system's files: kilobytes by name."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    named = (line.partition(":") for line in lines if line.endswith(" kB"))
    return {name: int(value.split()[0]) for name, _, value in named}
