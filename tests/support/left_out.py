"""The tests that a run leaves out: slow ones, and those that need a GPU where there is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

KEY = "left_out"  # of the counts, in what a process of pytest-xdist sends home
SUMMARY = {
    "gpu": "{count} for want of a GPU",
    "slow": "{count} slow (`make test-slow` runs them)",
}


class LeftOut:
    """A plugin of pytest that leaves tests out and names their number in the summary.

    A skipped test would fail in continuous integration, so they are deselected. Slow tests are left
    out after `-k` and the like, and only where no `-m` says which tests are wanted.
    """

    def __init__(self, has_gpu: bool) -> None:
        self._has_gpu = has_gpu
        self._counts: Counter[str] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        reasons = {item: self._reason(item, config.option.markexpr) for item in items}
        out = [item for item in items if reasons[item]]
        if out:
            config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not reasons[item]]
        self._counts = Counter(reasons[item] for item in out)

    def _reason(self, item: pytest.Item, wanted: str) -> str:
        if item.get_closest_marker("gpu") and not self._has_gpu:
            return "gpu"
        return "slow" if item.get_closest_marker("slow") and not wanted else ""

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[KEY] = dict(self._counts)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over the counts of a process of pytest-xdist: each collects all tests."""
        self._counts |= Counter(getattr(node, "workeroutput", {}).get(KEY, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        parts = [
            text.format(count=self._counts[reason])
            for reason, text in SUMMARY.items()
            if self._counts[reason]
        ]
        if parts:
            terminalreporter.write_line(f"Left out: {'; '.join(parts)}.")
