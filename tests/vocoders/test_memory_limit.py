"""Runs become smaller when memory does not suffice, and larger again by and by."""

from __future__ import annotations

from pathlib import Path

from realtime.vocoders.memory_limit import ENDLESS, RECOVERY, Headroom, free_here


def test_what_is_free_bounds_a_run() -> None:
    headroom = Headroom(1_000, lambda: 1_000_000)
    assert headroom.frames(1) == 800
    assert headroom.frames(4) == 200


def test_first_the_batch_then_the_window_shrinks_and_at_last_it_gives_up() -> None:
    headroom = Headroom(1, lambda: ENDLESS)
    assert headroom.exceeded(500, 4, least=100)
    assert headroom.batch(4) == 1
    assert headroom.exceeded(500, 4, least=100)
    assert headroom.frames(1) == 250
    assert headroom.exceeded(250, 1, least=100) and headroom.exceeded(125, 1, least=100)
    assert headroom.frames(1) == 100
    assert not headroom.exceeded(100, 1, least=100)
    assert headroom.shrunk == 4


def test_it_recovers_when_runs_go_well() -> None:
    headroom = Headroom(1, lambda: ENDLESS)
    headroom.exceeded(500, 2, least=1)
    headroom.exceeded(500, 1, least=1)
    for _ in range(RECOVERY):
        headroom.sufficed()
    assert headroom.batch(4) == 4
    assert headroom.frames(1) == 500
    for _ in range(40 * RECOVERY):
        headroom.sufficed()
    assert headroom.frames(1) > 1 << 30


def test_what_this_machine_tells(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 9 kB\nMemAvailable:    7 kB\n")
    assert free_here(path) == 7 * 1024
    path.write_text("MemTotal: 9 kB\n")
    assert free_here(path) == ENDLESS
    assert free_here(tmp_path / "none") == ENDLESS
    assert free_here() > 0
