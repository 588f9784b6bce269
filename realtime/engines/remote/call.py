"""A request under way to a server elsewhere, which another thread may end at any time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from realtime.engines.contract import WorkCancelled

CANCELLED, TIME_IS_UP = "cancelled", "time_is_up"


class RemoteCall:
    """The handle of one request: ending it cuts its connection at once.

    The thread that reads from the connection wakes up with an error then, and asks here why.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended_by = ""
        self._socket: socket.socket | None = None

    def cancel(self) -> None:
        self._end(CANCELLED)

    def check(self) -> None:
        """Raise `WorkCancelled` if the request is not wanted any more."""
        if self._ended_by == CANCELLED:
            raise WorkCancelled

    def check_time(self) -> None:
        """Raise what ends a request that is cancelled, or that took too long."""
        self.check()
        if self.time_is_up:
            raise TimeoutError

    @property
    def time_is_up(self) -> bool:
        return self._ended_by == TIME_IS_UP

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the request is wanted."""
        self._ended.wait(seconds)
        self.check()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give the block so many seconds: a server that sends a byte now and then is cut off."""
        timer = threading.Timer(seconds, self._end, (TIME_IS_UP,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def hold(self, connection: socket.socket | None) -> None:
        """Note the connection that is to be cut when the request ends; None for none."""
        with self._lock:
            self._socket = connection
            if connection is not None and self._ended_by:
                _cut(connection)

    def _end(self, reason: str) -> None:
        with self._lock:
            self._ended_by = self._ended_by or reason
            if self._socket is not None:
                _cut(self._socket)
        self._ended.set()


def _cut(connection: socket.socket) -> None:
    """Shut a connection down; closing it alone would not wake the thread that reads from it."""
    with suppress(OSError):
        # Not the method of TLS sockets, which takes the state away from under that thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
