"""Files of one group share a process of a run, and what takes long begins first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inner_pytest import run_pytest
from tests.support.schedule import GROUPS, LONGEST, group_of

ROOT = Path(__file__).resolve().parent.parent

CONFTEST = """
from tests.support import schedule

schedule.GROUPS = {"grouped": ("test_grouped_",), "last": ("test_none",)}
schedule.LONGEST = ("test_c.py",)

def pytest_configure(config):
    config.pluginmanager.register(schedule.Schedule())
"""
TEST = """
import os, pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number):
    with open("noted", "a") as file:
        file.write(f"{__name__} {os.environ.get('PYTEST_XDIST_WORKER')}\\n")
"""
FILES = ("test_a", "test_b", "test_c", "test_grouped_1", "test_grouped_2", "test_grouped_3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in FILES:
        (tmp_path / f"{name}.py").write_text(TEST)
    return tmp_path


def run(folder: Path, *arguments: str) -> list[tuple[str, str]]:
    """Run the tests of a folder; return the file and the process of each, in order."""
    assert "24 passed" in run_pytest(folder, *arguments)
    pairs = [line.split() for line in (folder / "noted").read_text().splitlines()]
    return [(file, process) for file, process in pairs]


def test_a_group_is_run_whole_by_one_process_and_first(folder: Path) -> None:
    noted = run(folder, "-n", "2", "--dist", "loadfile")
    processes = {process for file, process in noted if "grouped" in file}
    assert len(processes) == 1 and {process for _, process in noted} == {"gw0", "gw1"}
    (own,) = processes
    assert "grouped" in next(file for file, process in noted if process == own)
    for name in FILES:
        assert len({process for file, process in noted if file == name}) == 1


def test_a_group_is_first_in_one_process_too_and_then_what_is_long(folder: Path) -> None:
    expected = [*FILES[3:], "test_c", "test_a", "test_b"]
    assert [file for file, _ in run(folder)] == [name for name in expected for _ in range(4)]


def test_groups_and_long_files_are_there() -> None:
    for group, paths in GROUPS.items():
        for path in paths:
            assert (ROOT / path).exists()
            assert group_of(f"{path}::test_it[a::b]") == group
    for path in (*LONGEST, "tests/test_schedule.py"):
        assert (ROOT / path).exists() and group_of(f"{path}::test_it[a::b]") == path
