"""A real server in a process of its own, on a free loopback port, ended by its own id."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """Started with `with`; knows its address, its start-up time, its memory and its log.

    Without a cache of its own it has one that goes with it.
    """

    def __init__(self, cache: Path | None = None, preload: str = "hibari", **settings: str) -> None:
        self._passing = tempfile.TemporaryDirectory() if cache is None else None
        folder = cache or self._passing and self._passing.name
        own = {"YAMABIKO_CACHE__PATH": str(folder), "YAMABIKO_PRELOAD": preload}
        self._environment = {**os.environ, **own, **settings}
        self.log: list[str] = []
        self._reading: threading.Thread | None = None

    def __enter__(self) -> Self:
        begun = time.perf_counter()
        self.launch()
        try:
            self.address = self._read_address()
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        self.start_seconds = time.perf_counter() - begun
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._close_log()
        if self._passing is not None:
            self._passing.cleanup()

    def launch(self) -> None:
        """Only begin to start."""
        self._process = subprocess.Popen(
            [sys.executable, "server.py", "serve", "--port", "0"],
            cwd=ROOT,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        self._process.kill()
        self._process.wait()
        self._close_log()

    def memory_mb(self, what: str) -> float:
        """`VmRSS` now, or `VmHWM`, the most so far."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"the kernel does not tell {what}")

    def _read_address(self) -> str:
        """The log is read on, so that its pipe never fills."""
        assert self._process.stderr is not None, "stderr is a pipe"
        lines = self._process.stderr
        for line in lines:
            self.log.append(line.rstrip())
            if found := re.search(r"open (http://\S+)", line):
                self._reading = threading.Thread(target=self.log.extend, args=(lines,), daemon=True)
                self._reading.start()
                return found[1]
        raise RuntimeError("the server told no address:\n" + "\n".join(self.log))

    def _close_log(self) -> None:
        if self._reading is not None:
            self._reading.join(10)
        assert self._process.stderr is not None, "stderr is a pipe"
        self._process.stderr.close()

    def _wait_until_ready(self) -> None:
        end = time.perf_counter() + 60
        while time.perf_counter() < end:
            try:
                with urllib.request.urlopen(f"{self.address}/ready", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        raise RuntimeError("the server did not become ready")
