"""Triton's interpreter: GPU kernels run line by line on the processor, in a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_interpreted(program: str) -> None:
    """Run a Python program with Triton's interpreter on; a failed assertion in it fails here."""
    pytest.importorskip("triton")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
