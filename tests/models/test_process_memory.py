"""Memory as the system tells it."""

from __future__ import annotations

import mmap
from pathlib import Path

from realtime.models.process_memory import capacity_bytes, free_bytes, read_memory, resident_bytes


def test_the_systems_figures_are_read(tmp_path: Path) -> None:
    process, machine = tmp_path / "status", tmp_path / "meminfo"
    process.write_text("Name:\tpython\nVmRSS:\t    2048 kB\nThreads:\t3\n")
    machine.write_text("MemTotal:  4096 kB\nMemAvailable:  1024 kB\nHugePages_Total: 0\n")
    found = read_memory(process, machine)
    assert (found.resident, found.total, found.available) == (2 << 20, 4 << 20, 1 << 20)


def test_a_system_that_does_not_tell_gives_zero(tmp_path: Path) -> None:
    found = read_memory(tmp_path / "none", tmp_path / "none")
    assert (found.resident, found.total, found.available) == (0, 0, 0)


def test_this_process_needs_something() -> None:
    before = resident_bytes()
    with mmap.mmap(-1, 64 << 20) as block:  # new pages, whatever this process had before
        block.write(b"1" * len(block))
        assert resident_bytes() - before > len(block) // 2


def test_a_container_may_have_less_than_the_machine(tmp_path: Path) -> None:
    machine = tmp_path / "meminfo"
    machine.write_text("MemAvailable:  1024 kB\n")
    assert free_bytes(machine, tmp_path) == 1 << 20
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 400000\ninactive_file 200000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(machine, tmp_path) == 1 << 20
    (tmp_path / "memory.max").write_text("900000\n")
    assert free_bytes(machine, tmp_path) == 400_000, "files in its cache can go"
    (tmp_path / "memory.max").write_text("400000\n")
    assert free_bytes(machine, tmp_path) == 0
    assert free_bytes(tmp_path / "none", tmp_path / "none") is None


def test_the_capacity_is_the_smaller_of_machine_and_container(tmp_path: Path) -> None:
    machine = tmp_path / "meminfo"
    machine.write_text("MemTotal:  4096 kB\n")
    assert capacity_bytes(machine, tmp_path) == 4 << 20
    (tmp_path / "memory.max").write_text("max\n")
    assert capacity_bytes(machine, tmp_path) == 4 << 20
    (tmp_path / "memory.max").write_text("1048576\n")
    assert capacity_bytes(machine, tmp_path) == 1 << 20
    assert capacity_bytes(tmp_path / "none", tmp_path / "none") is None
