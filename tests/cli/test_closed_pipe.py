"""Commands whose reader has gone (`server.py check | head -1`) end without a stack trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Runs `server.py` with a standard output that nobody reads any more.
NOBODY_READS = """
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
done = subprocess.run([sys.executable, "server.py", *sys.argv[1:]], stdout=writer)
sys.exit(done.returncode)
"""


@pytest.mark.parametrize("arguments", [["check"], ["say", "abc", "--engine", "tone"]])
def test_it_ends_quietly_and_says_that_it_did_not_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("YAMABIKO_CACHE__PATH", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", NOBODY_READS, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert done.returncode == 141, "as a program that SIGPIPE ended"
