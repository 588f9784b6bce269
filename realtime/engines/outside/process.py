"""A host process: started with its limits, read by one thread, and killed with all it started."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realtime.configuration import environment_for_program
from realtime.engines.outside.protocol import (
    RECEIVE_BYTES,
    FrameReader,
    FrameWriter,
    ProtocolError,
    ToServer,
)

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[3]
MODULE = "realtime.engines.outside"
TICK_SECONDS = 0.5  # between two looks at a process that says nothing
END_SECONDS = 5.0  # for which a process that was killed is waited for
MOST_LINE = 2_000  # bytes of a line of the log; the rest is cut
MOST_LINES = 200  # a tick; a library that prints without end must not fill the log
LAST_LINES = 20  # that are kept for the message about its end


@dataclass(frozen=True)
class Launch:
    """The way in which a host is started."""

    name: str  # of the engine, for people
    adapter: str
    python: Path = Path(sys.executable)
    niceness: int = 0
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)  # more variables for it

    def command(self, connection: int, lifeline: int) -> list[str]:
        found = [str(self.python), "-m", MODULE, self.adapter]
        found += ["--socket", str(connection), "--lifeline", str(lifeline)]
        found += ["--niceness", str(self.niceness), *(["--network"] if self.network else [])]
        return found


class HostProcess:
    """A host process, with the thread that reads what it says.

    `take` gets each message with its sound, `tick` is called about twice a second, and `ended` gets
    the reason of the end, once. All three are called on the thread.
    """

    def __init__(
        self,
        launch: Launch,
        take: Callable[[Any, bytes], None],
        tick: Callable[[], None],
        ended: Callable[[str], None],
    ) -> None:
        self.launch = launch
        self.pid: int | None = None  # of the host, known with its first message
        self._take, self._tick, self._ended = take, tick, ended
        self.log = ProcessLog(launch.name)
        self._reason = ""
        self._connection, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        try:
            self._process = _start(launch, theirs.fileno(), lifeline)
        except OSError:
            self._connection.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(lifeline)
        self._writer = FrameWriter(self._connection)
        self._thread = threading.Thread(target=self._run, name=f"host-{launch.name}", daemon=True)

    def start_reading(self) -> None:
        self._thread.start()

    def send(self, message: Any, sound: bytes = b"") -> None:
        """Send a message; raise OSError where the process is gone."""
        self._writer.send(message, sound)

    def kill(self, reason: str) -> None:
        """Kill it with all that it started; the thread tells the end."""
        self._reason = self._reason or reason
        for pid in (self.pid, self._process.pid):
            if pid is not None:
                _kill_group(pid)

    def join(self, timeout: float = END_SECONDS) -> None:
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        """Read until the process ends, then say why it did."""
        fault = ""
        try:
            self._read()
        except ProtocolError as error:
            fault = f"it sent {error}"
        except OSError as error:
            fault = str(error)
        except Exception as error:
            logger.exception("reading the process of %s failed", self.launch.name)
            fault = str(error)
        self._ended(self._end(fault))

    def _read(self) -> None:
        reader, output = FrameReader(ToServer), self._process.stdout
        assert output is not None, "it was started with a pipe"
        os.set_blocking(output.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(output, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(TICK_SECONDS)}
                if output.fileno() in ready and not self.log.read(output.fileno()):
                    selector.unregister(output)
                if self._connection.fileno() in ready:
                    data = self._received()
                    if not data:
                        return
                    for message, sound in reader.feed(data):
                        self._take(message, sound)
                self.log.tick()
                self._tick()

    def _received(self) -> bytes:
        """Receive what is there; a process that was killed with messages unread is at its end."""
        try:
            return self._connection.recv(RECEIVE_BYTES)
        except ConnectionResetError:
            return b""

    def _end(self, fault: str) -> str:
        """Reap it, and describe its end."""
        if fault:
            self.kill(fault)
        try:
            status: int | None = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill("it closed its connection and went on")
            status = self._process.wait()
        if self.pid is not None:
            _kill_group(self.pid)
        self._connection.close()
        os.close(self._lifeline)
        if self._process.stdout is not None:
            self.log.read(self._process.stdout.fileno())  # its last words come after its connection
            self._process.stdout.close()
        return self._reason or described_status(status or 0, self.log.last)


def _start(launch: Launch, connection: int, lifeline: int) -> subprocess.Popen[bytes]:
    """Start the program: its input is closed, and what it prints comes to the log."""
    return subprocess.Popen(
        launch.command(connection, lifeline),
        cwd=ROOT,
        env=environment_for_program(launch.network, launch.environment),
        pass_fds=(connection, lifeline),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def described_status(status: int, last_lines: Any) -> str:
    """Describe the end of a process by its exit status and the last line that it wrote."""
    if status > 128:
        return f"it was killed by signal {status - 128}"
    if status < 0:
        return f"it was killed by signal {-status}"
    said = f": {last_lines[-1]}" if last_lines else ""
    return f"it ended with status {status}{said}"


class ProcessLog:
    """The lines that a process writes, as lines of our log, within bounds."""

    def __init__(self, name: str) -> None:
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self._logger = logging.getLogger(f"{__name__}.{name}")
        self._rest = b""
        self._lines = 0  # since the last tick
        self._left_out = 0

    def read(self, descriptor: int) -> bool:
        """Read what is there; return False at its end."""
        try:
            data = os.read(descriptor, RECEIVE_BYTES)
        except BlockingIOError:
            return True
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[:MOST_LINE] if data else b""
        for line in lines:
            self.add(logging.INFO, line[:MOST_LINE].decode("utf-8", "replace").rstrip())
        return bool(data)

    def add(self, level: int, text: str) -> None:
        if not text:
            return
        self.last.append(text)
        self._lines += 1
        if self._lines > MOST_LINES:
            self._left_out += 1
        else:
            self._logger.log(level, "%s", text)

    def tick(self) -> None:
        if self._left_out:
            self._logger.warning("%d more lines were left out", self._left_out)
        self._lines = self._left_out = 0
