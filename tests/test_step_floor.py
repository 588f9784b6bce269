"""The floor of a step: what every benchmark of steps is measured with."""

from __future__ import annotations

from pathlib import Path

from benchmarks.step_floor import driver_version, median_of_runs


def test_the_driver_is_told_where_there_is_one(tmp_path: Path) -> None:
    assert driver_version(tmp_path / "version") is None
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64  570.86.15  Release\n")
    assert driver_version(tmp_path / "version") == "570.86.15"


def test_the_first_run_is_not_counted() -> None:
    seconds = iter([100.0, 1.0, 3.0, 2.0])
    assert median_of_runs(3, lambda: {"work": next(seconds)}) == {"work": 2.0}
