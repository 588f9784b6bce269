"""A real server in a process of its own, on a free loopback port, ended by its own id."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """Started with `with`; knows its address, its start-up time and its memory."""

    def __enter__(self) -> Server:
        begun = time.perf_counter()
        command = [sys.executable, "server.py", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        self.address = self._read_address()
        self._wait_until_ready()
        self.start_seconds = time.perf_counter() - begun
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def memory_mb(self, what: str) -> float:
        """`VmRSS` now, or `VmHWM`, the most so far."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"the kernel does not tell {what}")

    def _read_address(self) -> str:
        assert self._process.stderr is not None, "stderr is a pipe"
        for line in self._process.stderr:
            if found := re.search(r"open (http://\S+)", line):
                return found[1]
        raise RuntimeError("the server told no address")

    def _wait_until_ready(self) -> None:
        end = time.perf_counter() + 60
        while time.perf_counter() < end:
            try:
                with urllib.request.urlopen(f"{self.address}/ready", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        raise RuntimeError("the server did not become ready")
