"""Commands whose reader has gone (`server.py check | head -1`) end without a stack trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.cache import DiskStore
from tests.support.recordings import address, keep_recording

ROOT = Path(__file__).resolve().parents[2]
# Runs `server.py` with a standard output that nobody reads any more.
NOBODY_READS = """
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
done = subprocess.run([sys.executable, "server.py", *sys.argv[1:]], stdout=writer)
sys.exit(done.returncode)
"""


COMMANDS = [
    ["check"],
    ["cache", "ls"],
    ["cache", "verify"],
    ["say", "abc", "--engine", "tone"],
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a cache with a recording to list, and a damaged one to tell of."""
    monkeypatch.setenv("YAMABIKO_CACHE__PATH", str(tmp_path))
    keep_recording(DiskStore(tmp_path), "whole")
    keep_recording(DiskStore(tmp_path), "damaged")
    (tmp_path / address("damaged").path(".wav")).write_bytes(b"RIFF")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_it_ends_quietly_and_says_that_it_did_not_finish(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOBODY_READS, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert done.returncode == 141, "as a program that SIGPIPE ended"


def test_a_reader_may_leave_in_the_middle() -> None:
    command = [sys.executable, "server.py", "say", "abc " * 1_000, "--engine", "tone"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        assert len(running.stdout.read(1_000)) == 1_000
        running.stdout.close()
        told = running.stderr.read().decode()
    assert running.returncode == 141
    assert "Traceback" not in told and "BrokenPipe" not in told
