"""The cores of one process of a test run: those of the machine, shared by the processes."""

from __future__ import annotations

import os


def cores_each() -> int:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return max(1, (os.cpu_count() or 1) // processes)
