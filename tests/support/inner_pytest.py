"""Runs of pytest in a process of their own, over tests that a test has written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_pytest(folder: Path, *arguments: str) -> str:
    """Run the tests of a folder, which must pass; return what is printed.

    Of the plugins only pytest-xdist is imported: the others take seconds.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    own |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", f"--rootdir={folder}"]
    found = subprocess.run(
        [*command, *arguments], cwd=folder, env=own, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout
