"""`server.py serve` as a process of its own: a port that is taken."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.server_process import ROOT, server_process


def serve(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `server.py serve` to its end, which it must come to by itself."""
    paths = {"CACHE__PATH": folder / "cache", "AUTH__KEYS_PATH": folder / "keys.yaml"}
    env = {f"YAMABIKO_{name}": str(value) for name, value in {**paths, **settings}.items()}
    command = [sys.executable, "server.py", "serve", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=60
    )


def is_refused(done: subprocess.CompletedProcess[str], port: int) -> bool:
    """Check that a process ended with a message of two lines for people, and no more."""
    assert done.returncode == 1 and done.stdout == ""
    told = done.stderr.splitlines()
    assert told[-2] == f"yamabiko: Port {port} is taken."
    other = port % 65535 + 1
    assert told[-1] == f"yamabiko: Stop what listens there, or choose another: --port {other}."
    assert "Traceback" not in done.stderr and "open http" not in done.stderr
    return True


@pytest.mark.slow
def test_a_port_that_is_bound_alone_is_refused_in_plain_words(tmp_path: Path) -> None:
    """A program can hold a port that it does not listen on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        assert is_refused(serve(tmp_path, PORT=str(port)), port)


@pytest.mark.slow
def test_a_second_server_is_refused_and_leaves_the_first_alone(tmp_path: Path) -> None:
    with server_process(tmp_path / "first") as first:
        port = first.address[1]
        assert is_refused(serve(tmp_path, "--port", str(port)), port)
        url = f"http://127.0.0.1:{port}/health"
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert answer.status == 200
