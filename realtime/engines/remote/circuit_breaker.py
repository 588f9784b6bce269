"""A circuit breaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from realtime.engines.remote import faults


class CircuitBreaker:
    """A counter of failures in a row; when there are too many, requests are refused at once.

    After `seconds` one request is let through to try the server. It closes the breaker, or opens it
    for as long again.
    """

    def __init__(
        self, label: str, failures: int, seconds: float, clock: Callable[[], float]
    ) -> None:
        self._label = label
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at = -math.inf
        self._trying = False

    @contextmanager
    def request(self) -> Iterator[None]:
        """Let a request through, or refuse it; its outcome is that of the block."""
        is_trial = self._enter()
        try:
            yield
        except BaseException as error:
            # One that was cancelled, or refused for its content, says nothing about the server.
            self._leave(is_trial, failed=True if faults.is_outage(error) else None)
            raise
        self._leave(is_trial, failed=False)

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._failures >= self._most

    def _enter(self) -> bool:
        with self._lock:
            if self._failures < self._most:
                return False
            left = self._opened_at + self._seconds - self._clock()
            if left > 0 or self._trying:
                raise faults.paused(self._label, self._failures, max(1.0, left))
            self._trying = True
            return True

    def _leave(self, is_trial: bool, failed: bool | None) -> None:
        with self._lock:
            if is_trial:
                self._trying = False
            if failed is None:
                return
            self._failures = self._failures + 1 if failed else 0
            if failed and self._failures >= self._most:
                self._opened_at = self._clock()
