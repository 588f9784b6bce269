"""The order in which lines go to a server: so many at once, and one pair of weights at a time.

A server whose weights can be switched has one pair for all its lines. A line that needs others
waits until the lines that are spoken with the present ones have ended, and then the weights are
switched. A line has several pieces; between two of them it still counts, for a while.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from realtime.engines.contract import LineState
from realtime.engines.remote.call import RemoteCall

LOOK_SECONDS = 0.05  # between looks of those who wait: an end of a line announces itself to nobody
HOLD_SECONDS = 10.0  # that a line without a piece under way keeps its weights from others


@dataclass(frozen=True)
class Weights:
    """The two files of a voice, by their paths on the server."""

    gpt: str
    sovits: str


STARTED_WITH = Weights("", "")  # the weights of a server to which nobody has given others


@dataclass(frozen=True, eq=False)
class _Ticket:
    line: LineState
    weights: Weights


class LineTurns:
    """The keeper of the turns of one server; `present` are the weights that it has now."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.present: Weights | None = STARTED_WITH  # None: unknown, after a switch that failed
        self.was_switched = False
        self._most = most
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._running = 0
        # Lines that began with the present weights; one that ended is in no set any more.
        self._lines: weakref.WeakSet[LineState] = weakref.WeakSet()
        self._used_at = clock()

    @contextmanager
    def turn(self, line: LineState, weights: Weights, call: RemoteCall) -> Iterator[bool]:
        """Wait for the turn of a piece; tell whether its weights must be switched to first.

        Who switches says so by `note_present`, or the weights count as unknown.
        """
        ticket = _Ticket(line, weights)
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not self._may_go(ticket):
                    self._changed.wait(LOOK_SECONDS)
                    call.check()
            finally:
                self._waiting.remove(ticket)
            switches = weights != self.present
            if switches:
                self.present, self.was_switched = None, True
                self._lines.clear()
            self._lines.add(line)
            self._running += 1
        try:
            yield switches
        finally:
            with self._changed:
                self._running -= 1
                self._used_at = self._clock()
                self._changed.notify_all()

    def note_present(self, weights: Weights) -> None:
        with self._changed:
            self.present = weights
            self._changed.notify_all()

    def _may_go(self, ticket: _Ticket) -> bool:
        if self._running >= self._most:
            return False
        if self._goes_on(ticket):
            return True  # those who wait for other weights wait for the end of its line
        first = next(each for each in self._waiting if not self._goes_on(each))
        if ticket is not first:
            return False
        return ticket.weights == self.present or self._are_free()

    def _goes_on(self, ticket: _Ticket) -> bool:
        return ticket.weights == self.present and ticket.line in self._lines

    def _are_free(self) -> bool:
        """Tell whether no line needs the present weights any more."""
        if self._running:
            return False
        return not self._lines or self._clock() - self._used_at > HOLD_SECONDS
