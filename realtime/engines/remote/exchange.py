"""The sound of one request, fetched on a thread of its own while the lane serves other lines.

A lane is one thread for all lines of a server. It must not stand still until bytes come for one of
them, so a turn waits only a moment, and ends early where sound has come for another line.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context

from realtime.engines.contract import CancelToken, Samples
from realtime.engines.remote.call import RemoteCall

TURN_SECONDS = 0.05  # that a turn waits at most for its sound


class Arrivals:
    """A count of what came for any line of a server, for turns to wait for."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.count = 0

    def announce(self) -> None:
        with self.changed:
            self.count += 1
            self.changed.notify_all()


class Exchange:
    """A request whose sound comes; `fetch` asks for it and yields it, on its own thread.

    No more comes than a piece of a line has, and an answer's bytes are bounded, so sound is taken
    as fast as the server gives it: a slow listener holds up none of its lines.
    """

    def __init__(
        self, fetch: Callable[[RemoteCall], Iterator[Samples]], arrivals: Arrivals
    ) -> None:
        self._fetch = fetch
        self._arrivals = arrivals
        self._call = RemoteCall()
        self._came: deque[Samples] = deque()
        self._ended = False
        self._error: Exception | None = None

    def blocks(self, cancel: CancelToken) -> Iterator[Samples | None]:
        """Yield sound as it comes, and None where a turn ends without any."""
        cancel.interrupt_with(self._call.cancel)
        # Its log lines have the request's id, as those of the lane have.
        thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="remote", daemon=True
        )
        thread.start()
        try:
            seen = 0
            while True:
                cancel.check()
                seen, ended = self._wait(seen)
                if self._came:
                    yield self._came.popleft()
                elif ended:
                    break
                else:
                    yield None
            if self._error is not None:
                raise self._error
        finally:
            self._call.cancel()
            cancel.interrupt_with(None)

    def _wait(self, seen: int) -> tuple[int, bool]:
        """Wait a moment for sound; what came for another line since the last turn ends it."""
        arrivals = self._arrivals
        with arrivals.changed:
            arrivals.changed.wait_for(
                lambda: self._came or self._ended or arrivals.count != seen, TURN_SECONDS
            )
            return arrivals.count, self._ended

    def _run(self) -> None:
        try:
            for samples in self._fetch(self._call):
                if samples.size:
                    self._came.append(samples)
                    self._arrivals.announce()
        except Exception as error:  # noqa: BLE001 -- it is the line's, which raises it
            self._error = error
        finally:
            self._ended = True
            self._arrivals.announce()
