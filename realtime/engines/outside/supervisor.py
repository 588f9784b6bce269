"""The supervision of an engine outside: first start, watch, and new starts after crashes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from realtime.engine_settings import OutsideSettings
from realtime.engines.contract import CancelToken, Samples
from realtime.engines.outside import protocol
from realtime.engines.outside.connection import Connection, Sound
from realtime.engines.outside.process import HostProcess, Launch
from realtime.engines.outside.process_facts import ProcessFacts
from realtime.engines.outside.process_memory import resident_bytes_of
from realtime.errors import Busy, SynthesisFailed, Unavailable, YamabikoError

logger = logging.getLogger(__name__)

HELLO_SECONDS = 60.0  # in which a process must say hello: it imports numpy and no more
CHECK_SECONDS = 2.0  # between two questions whether it is alive
LONGEST_PAUSE = 2.0  # seconds for which a line waits for the next start; beyond it is told to retry
UNLOAD_SECONDS = 3.0  # for which a process may free its model before it is killed


class Supervisor:
    """The keeper of an engine's process. Streams and loads come from the engine's lane alone."""

    def __init__(
        self,
        name: str,
        launch: Callable[[], Launch],
        settings: OutsideSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the keeper; `launch` is asked at each start, as an environment may come later."""
        self.name = name
        self._launch = launch
        self.hello: protocol.Hello | None = None  # of the process that ran last
        self.facts: Mapping[str, Any] = {}  # that the last load found
        self._settings = settings
        self._clock = clock
        self._running: _Running | None = None
        self._options: dict[str, Any] | None = None  # of the model that should be loaded
        self._lock = threading.Lock()  # of what the reader's thread changes too
        self._crashes = 0  # one after the other, without a line that ended between
        self._restarts = 0
        self._not_before = 0.0

    def load(self, options: dict[str, Any]) -> None:
        """Start the process and load the model; a load that is asked for waits for no pause."""
        self.unload()
        self._not_before = 0.0
        self._options = options
        self._ready()

    def unload(self) -> None:
        """End the process, which frees all that it held."""
        self._options = None
        running = self._running
        if running is None:
            return
        running.leaving = True
        try:
            running.process.send(protocol.Unload())
            running.process.join(UNLOAD_SECONDS)
        except OSError:
            pass  # it is gone already
        running.process.kill("it was unloaded")
        running.process.join()

    def stream(
        self,
        begin: Callable[[int], Any],
        cancel: CancelToken,
        blocks: Iterator[Samples] | None = None,
    ) -> Iterator[Sound]:
        """Yield the chunks of a stream, after a new start where the process has crashed."""
        running = self._ready(cancel)
        together = blocks is None and running.streams > 1
        yield from running.connection.stream(begin, cancel, blocks, ahead=int(together))
        self._crashes = 0

    def ask(self, name: str, arguments: dict[str, Any]) -> Any:
        """Ask the adapter of the running process."""
        running = self._running
        if running is None:
            raise self._not_running()
        return running.connection.ask(lambda number: protocol.Ask(number, name, arguments))

    def process(self) -> ProcessFacts:
        """Describe the process as it is now."""
        running = self._running
        pid = running.process.pid if running is not None else None
        return ProcessFacts(
            id=pid,
            memory_bytes=resident_bytes_of(pid) if pid is not None else 0,
            device_bytes=running.device_bytes if running is not None else 0,
            restarts=self._restarts,
        )

    def _ready(self, cancel: CancelToken | None = None) -> _Running:
        """Return the process with its model loaded, started anew where there is none."""
        running = self._running
        if running is not None and running.connection.failure is None:
            return running
        if self._options is None:
            raise self._not_running()
        self._pause(cancel or CancelToken())
        running = self._start()
        try:
            self._load(running)
        except BaseException:
            running.leaving = True
            running.process.kill("its model could not be loaded")
            running.process.join()
            raise
        return running

    def _pause(self, cancel: CancelToken) -> None:
        """Wait until the process may be started again, or tell when that will be."""
        left = self._not_before - self._clock()
        if left > LONGEST_PAUSE:
            raise Busy(
                f"The process of the engine {self.name!r} crashed {self._crashes} times in "
                f"a row and is started again in {left:.0f} s.",
                code="engine_restarting",
                hint="The server's log has its last words.",
                retry_after=left,
                values={"engine": self.name, "seconds": round(left)},
            )
        if left > 0:
            stopped = threading.Event()
            cancel.interrupt_with(stopped.set)
            try:
                stopped.wait(left)
            finally:
                cancel.interrupt_with(None)
            cancel.check()

    def _start(self) -> _Running:
        try:
            running = _Running(self._launch(), self._settings, self._note_end, self._clock)
        except OSError as error:
            raise Unavailable(
                f"The process of the engine {self.name!r} cannot be started: {error}.",
                hint="`python server.py check` says what its environment lacks.",
            ) from error
        with self._lock:
            self._running = running
            self._restarts += self._crashes > 0
        running.process.start_reading()
        self.hello = running.wait_for_hello()
        return running

    def _load(self, running: _Running) -> None:
        options = self._options or {}
        running.loading = True
        self.facts = running.connection.load(protocol.Load(options))
        running.loading = False

    def _note_end(self, running: _Running, error: YamabikoError) -> None:
        """Note on the reader's thread that a process has ended, and when the next may start."""
        with self._lock:
            if self._running is running:
                self._running = None
            if running.leaving:
                return
            self._crashes += 1
            pause = self._settings.backoff_seconds * 2 ** min(self._crashes - 1, 20)
            pause = min(pause, self._settings.most_backoff_seconds)
            self._not_before = self._clock() + pause
        logger.error("%s", error.message)

    def _not_running(self) -> Unavailable:
        return Unavailable(f"The process of the engine {self.name!r} does not run.")


class _Running:
    """A process that runs, with its connection and the watch over both."""

    def __init__(
        self,
        launch: Launch,
        settings: OutsideSettings,
        ended: Callable[[_Running, YamabikoError], None],
        clock: Callable[[], float],
    ) -> None:
        self.loading = False
        self.leaving = False  # its end is wanted
        self.device_bytes = 0
        self._name = launch.name
        self._settings = settings
        self._told_end = ended
        self._clock = clock
        self._hello = threading.Event()
        self._said: protocol.Hello | None = None
        self._failure: YamabikoError | None = None  # why it was killed
        self._checked_at = clock()
        self._answered_at = clock()
        self.process = HostProcess(launch, self._take, self._watch, self._ended)
        self.connection = Connection(self.process.send, clock)

    @property
    def streams(self) -> int:
        """Return how many streams the adapter computes at once."""
        return self._said.streams if self._said is not None else 1

    def wait_for_hello(self) -> protocol.Hello:
        self._hello.wait(HELLO_SECONDS)
        said, failure = self._said, self.connection.failure
        if said is None or said.contract != protocol.CONTRACT:
            self.leaving = True
            self.process.kill("it did not say hello" if said is None else "it has another contract")
            self.process.join()
            why = failure.message if failure is not None else "it does not answer"
            if said is not None:
                why = f"it speaks contract {said.contract}, and this server {protocol.CONTRACT}"
            raise Unavailable(
                f"The process of the engine {self._name!r} could not be started: {why}",
                hint="`python server.py check` says what its environment lacks.",
            )
        return said

    def _take(self, message: Any, sound: bytes) -> None:
        if isinstance(message, protocol.Alive):
            self._answered_at, self.device_bytes = self._clock(), message.device_bytes
        elif isinstance(message, protocol.Hello):
            self.process.pid, self._said = message.pid, message
            self._hello.set()
        elif isinstance(message, protocol.Log):
            self.process.log.add(message.level, message.text)
        elif isinstance(message, protocol.Progress):
            self.connection.note_progress()
            logger.info("loading %s: %.0f %% %s", self._name, 100 * message.done, message.what)
        else:
            self.connection.take(message, sound)

    def _watch(self) -> None:
        """Kill a process that makes no progress, or takes too much memory."""
        now = self._clock()
        error = self._overdue(now) or self._oversize()
        if error is not None:
            self._failure = error
            self.process.kill(error.message)
        if now - self._checked_at >= CHECK_SECONDS and self._said is not None:
            self._checked_at = now
            try:
                self.process.send(protocol.CheckAlive(0))
            except OSError:
                pass  # it is gone, which the reader is about to see

    def _overdue(self, now: float) -> YamabikoError | None:
        """Return the error of a process that is stuck."""
        limits = self._settings
        patience = limits.load_seconds if self.loading else limits.stall_seconds
        silent = now - self._answered_at > patience + HELLO_SECONDS
        if not silent and self.connection.idle_seconds() <= patience:
            return None
        reason = "it does not answer" if silent else f"it made no progress for {patience:g} s"
        return ended_error(self._name, reason, code="engine_stalled")

    def _oversize(self) -> YamabikoError | None:
        """Return the error of a process that takes too much memory."""
        most, pid = self._settings.memory_mb, self.process.pid
        taken = resident_bytes_of(pid) >> 20 if most and pid is not None else 0
        if taken <= most:
            return None
        reason = f"it held {taken} MB of memory, and outside.memory_mb is {most}"
        return ended_error(self._name, reason, code="engine_too_large")

    def _ended(self, reason: str) -> None:
        error = self._failure or ended_error(self._name, reason, code="engine_crashed")
        self._told_end(self, error)
        self.connection.end(error)
        self._hello.set()


def ended_error(engine: str, reason: str, *, code: str) -> SynthesisFailed:
    """Return the error with which the lines of a process end."""
    return SynthesisFailed(
        f"The process of the engine {engine!r} was lost: {reason}.",
        code=code,
        hint="Ask again: the next line starts a new process. The server's log says more.",
        values={"engine": engine},
    )
