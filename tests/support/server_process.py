"""A real server as a process of its own, with the lines of its log."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.raw_socket import RawSocket

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0


class ServerProcess:
    """A process of `tests.support.noisy_server`; its settings come from the environment."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        named = {
            "PORT": "0",
            "PRELOAD": "tone",
            "CACHE__PATH": str(folder / "cache"),
            "MODELS__PATH": str(folder / "models"),
            "AUTH__KEYS_PATH": str(folder / "keys.yaml"),
            **settings,
        }
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.noisy_server"],
            cwd=ROOT,
            env=os.environ | {f"YAMABIKO_{name}": value for name, value in named.items()},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        found = self.wait_for(r"open http://127\.0\.0\.1:(\d+)")
        self.address = ("127.0.0.1", int(found[1]))
        self._wait_until_listening()

    def connected(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait for a line with this pattern."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            for line in tuple(self.lines):
                if found := re.search(pattern, line):
                    return found
            alive = self._process.poll() is None and time.monotonic() < end
            assert alive, f"no {pattern!r} in:\n" + "\n".join(self.lines)
            time.sleep(0.01)

    def wait_until_idle(self) -> None:
        """Wait until no socket is open and no engine works."""
        end = time.monotonic() + PATIENCE_SECONDS
        while busy := self._busy():
            assert time.monotonic() < end, busy
            time.sleep(0.05)

    @contextmanager
    def logging(self) -> Iterator[list[str]]:
        """Collect the lines that are logged in this block, and until the server is idle again."""
        begun, found = len(self.lines), list[str]()
        yield found
        self.wait_until_idle()
        self._mark()
        found += self.lines[begun:]

    def stop(self) -> list[str]:
        """End the process and return all that it logged."""
        self._process.terminate()
        self._process.wait(20)
        self._reading.join(20)
        assert self._process.stderr is not None
        self._process.stderr.close()
        return self.lines

    def _wait_until_listening(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.connected().close()
            except ConnectionRefusedError:
                assert time.monotonic() < end, "\n".join(self.lines)
                time.sleep(0.01)

    def _busy(self) -> list[str]:
        url = f"http://127.0.0.1:{self.address[1]}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            told = answer.read().decode()
        return re.findall(r"^yamabiko_(?:sockets|lane_busy\S*) [^0].*", told, re.MULTILINE)

    def _mark(self) -> None:
        """Cause a line and wait for it: what was logged before it has been read too."""
        mark = uuid.uuid4().hex
        with RawSocket(self.address, Origin="http://elsewhere.example", X_Request_ID=mark) as raw:
            assert raw.status == 403
        self.wait_for(mark)

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip("\n"))


@contextmanager
def server_process(folder: Path, **settings: str) -> Iterator[ServerProcess]:
    server = ServerProcess(folder, settings)
    try:
        yield server
    finally:
        server.stop()
