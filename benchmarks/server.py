"""A real server in a process of its own, on a free loopback port."""

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
    """A server that runs in a `with`: its address, start-up time, memory and log.

    Without `cache` it has a temporary one. Engines other than those of `preload` are loaded when
    they are first used, unless `warm` says otherwise: the background is quiet while it is measured.
    """

    def __init__(
        self,
        cache: Path | None = None,
        preload: str = "hibari",
        warm: str = "off",
        **settings: str,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory() if cache is None else None
        folder = self._temporary.name if self._temporary is not None else cache
        own = {"YAMABIKO_CACHE__PATH": str(folder), "YAMABIKO_PRELOAD": preload}
        own["YAMABIKO_WARM"] = warm
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
        if self._temporary is not None:
            self._temporary.cleanup()

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        self._process = subprocess.Popen(
            [sys.executable, "server.py", "serve", "--port", "0"],
            cwd=ROOT,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """Kill the process with SIGKILL, and wait for its end."""
        self._process.kill()
        self._process.wait()
        self._close_log()

    def memory_mb(self, what: str) -> float:
        """Return `VmRSS`, the memory now, or `VmHWM`, the most so far."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"the kernel does not tell {what}")

    def processor_seconds(self) -> float:
        """Return the seconds of computing that the process has taken so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read_address(self) -> str:
        """Return the address in the log, and keep reading the log: a full pipe would block it."""
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
