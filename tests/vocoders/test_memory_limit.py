"""Runs become smaller when memory does not suffice, and larger again by and by."""

from __future__ import annotations

from pathlib import Path

from realtime.vocoders.memory_limit import ENDLESS, RECOVERY, MemoryLimit, free_memory


def test_what_is_free_bounds_a_run() -> None:
    limit = MemoryLimit(1_000, lambda: 1_000_000)
    assert limit.frames_per_window(1) == 800
    assert limit.frames_per_window(4) == 200


def test_first_the_batch_then_the_window_shrinks_and_at_last_it_gives_up() -> None:
    limit = MemoryLimit(1, lambda: ENDLESS)
    assert limit.shrink(500, 4, least=100)
    assert limit.windows_per_run(4) == 1
    assert limit.shrink(500, 4, least=100)
    assert limit.frames_per_window(1) == 250
    assert limit.shrink(250, 1, least=100) and limit.shrink(125, 1, least=100)
    assert limit.frames_per_window(1) == 100
    assert not limit.shrink(100, 1, least=100)


def test_it_recovers_when_runs_go_well() -> None:
    limit = MemoryLimit(1, lambda: ENDLESS)
    limit.shrink(500, 2, least=1)
    limit.shrink(500, 1, least=1)
    for _ in range(RECOVERY):
        limit.count_success()
    assert limit.windows_per_run(4) == 4
    assert limit.frames_per_window(1) == 500
    for _ in range(40 * RECOVERY):
        limit.count_success()
    assert limit.frames_per_window(1) > 1 << 30


def test_what_this_machine_tells(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 9 kB\nMemAvailable:    7 kB\n")
    assert free_memory(path) == 7 * 1024
    path.write_text("MemTotal: 9 kB\n")
    assert free_memory(path) == ENDLESS
    assert free_memory(tmp_path / "none") == ENDLESS
    assert free_memory() > 0
