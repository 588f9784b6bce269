"""The summary of a run names how many tests it left out, and why."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.inner_pytest import run_pytest

ROOT = Path(__file__).resolve().parent.parent

CONFTEST = """
from tests.support.left_out import LeftOut

def pytest_configure(config):
    config.pluginmanager.register(LeftOut({has_gpu}))
    for mark in ("slow", "gpu"):
        config.addinivalue_line("markers", mark)
"""
TESTS = """
import pytest

def test_ordinary(): pass

@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_slow(number): pass

@pytest.mark.gpu
def test_on_a_gpu(): pass

@pytest.mark.gpu
@pytest.mark.slow
def test_slow_on_a_gpu(): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def run(folder: Path, *arguments: str, has_gpu: bool = False) -> list[str]:
    """Run the tests of a folder and return the lines that are printed."""
    (folder / "conftest.py").write_text(CONFTEST.format(has_gpu=has_gpu))
    return run_pytest(folder, *arguments).splitlines()


GPU = "2 for want of a GPU"
SLOW = "slow (`make test-slow` runs them)"


@pytest.mark.parametrize("processes", [[], ["-n", "2"]])
def test_what_is_left_out_is_told(folder: Path, processes: list[str]) -> None:
    lines = run(folder, *processes)
    assert f"Left out: {GPU}; 3 {SLOW}." in lines
    assert lines[-1].startswith("1 passed")


def test_slow_tests_run_when_they_are_wanted(folder: Path) -> None:
    lines = run(folder, "-m", "slow")
    assert "Left out: 1 for want of a GPU." in lines
    assert lines[-1].startswith("3 passed")


def test_with_a_gpu_only_slow_tests_are_left_out(folder: Path) -> None:
    lines = run(folder, has_gpu=True)
    assert f"Left out: 4 {SLOW}." in lines
    assert lines[-1].startswith("2 passed")


def test_what_nobody_asked_for_is_not_told(folder: Path) -> None:
    lines = run(folder, "-k", "ordinary")
    assert lines[-1].startswith("1 passed") and not any("Left out" in line for line in lines)


def test_the_command_that_is_named_runs_them_and_so_does_continuous_integration() -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "test-slow"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (command,) = (line for line in shown.stdout.splitlines() if "-m pytest" in line)
    assert '-m "slow or hypothesis"' in command
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    assert steps[-2:] == ["make test", "make test-slow"], "each once: nothing has a second try"
