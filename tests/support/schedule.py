"""The order of the files in a run, and which of them share a process of pytest-xdist."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# The longest first, so that no process ends long after the others. Files of one group share what is
# dear to begin: a browser. Those tests wait for sound to be played more than they compute, so they
# have two groups.
GROUPS = {
    "browser with sound": (
        "tests/browser/test_durations.py",
        "tests/browser/test_speak.py",
        "tests/browser/test_talk.py",
    ),
    "browser": ("tests/browser/",),
}
# Files that take long in one of the runs. Many of them compile: torch's compiler takes ten seconds
# to begin, once in each process, which is less than what one process would take for all of them.
LONGEST = (
    "tests/vocoders/test_vocoder.py",
    "tests/engines/gpt_sovits/test_mel_runner.py",
    "tests/vocoders/test_open.py",
    "tests/engines/gpt_sovits/test_engine.py",
    "tests/test_converters_benchmark.py",
    "tests/acceleration/backends/test_compile_thread.py",
    "tests/acceleration/backends/test_inductor.py",
    "tests/vocoders/networks/test_fastest_snake.py",
    "tests/engines/valle/networks/test_autoregressive.py",
    "tests/engines/test_whisper.py",
    "tests/engines/rvc/test_engine.py",
    "tests/engines/ddsp_svc/test_engine.py",
)


def group_of(nodeid: str) -> str:
    """Return the group of a test: its file, where that has no group."""
    for group, paths in GROUPS.items():
        if nodeid.startswith(paths):
            return group
    return nodeid.partition("::")[0]


class Schedule:
    """A plugin of pytest that begins with groups and long files, each whole in one process."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = {group: number for number, group in enumerate((*GROUPS, *LONGEST))}
        items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        if config.option.dist != "loadfile":
            return None
        config.option.loadscopereorder = False  # by numbers of tests, which say little of time
        return GroupScheduling(config, log)


class GroupScheduling(LoadFileScheduling):  # type: ignore[misc]
    """A scheduling of pytest-xdist that hands out groups, and all other tests by their file."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
