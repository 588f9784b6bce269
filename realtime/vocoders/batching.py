"""Windows of several requests in one run: a window that comes during a run is in the next one.

The thread of any waiting request may do the run for all, so no thread of its own is needed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

Run = Callable[[Any], Any]  # a stack of equal tensors to a stack of results


class WaitingWindow:
    """A window in the queue, later with its result or its error."""

    def __init__(self, window: Any) -> None:
        self.window = window
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class Batches:
    """A queue of windows; those of one shape share a run, the oldest window goes first."""

    def __init__(
        self, run: Run, stack: Callable[[list[Any]], Any], limit: Callable[[], int]
    ) -> None:
        """Ask `limit` before each run how many windows it may have."""
        self._run, self._stack, self._limit = run, stack, limit
        self._waiting: deque[WaitingWindow] = deque()
        self._queue_lock = threading.Lock()
        self._device_lock = threading.Lock()

    def __call__(self, windows: Sequence[Any]) -> list[Any]:
        """Return the result of each window in order; raise the first error of any."""
        mine = [WaitingWindow(window) for window in windows]
        with self._queue_lock:
            self._waiting.extend(mine)
        for each in mine:
            self._run_until_done(each)
        for each in mine:
            if each.error is not None:
                raise each.error
        return [each.result for each in mine]

    def _run_until_done(self, mine: WaitingWindow) -> None:
        while not mine.done:
            with self._device_lock:
                if not mine.done:  # another thread may have run it while this one waited
                    self._run_batch(self._take_batch())

    def _take_batch(self) -> list[WaitingWindow]:
        """Take the oldest window and those of its shape out of the queue."""
        with self._queue_lock:
            shape = self._waiting[0].window.shape
            batch = [each for each in self._waiting if each.window.shape == shape]
            batch = batch[: self._limit()]
            self._waiting = deque(each for each in self._waiting if each not in batch)
        return batch

    def _run_batch(self, batch: list[WaitingWindow]) -> None:
        try:
            results = self._run(self._stack([each.window for each in batch]))
            for each, result in zip(batch, results, strict=True):
                each.result = result
        except Exception as error:  # noqa: BLE001 -- each request raises it in its own thread
            self._fail(batch, error)
        except BaseException as error:
            self._fail(batch, error)
            raise
        finally:
            for each in batch:
                each.done = True

    def _fail(self, batch: list[WaitingWindow], error: BaseException) -> None:
        for each in batch:
            each.error = error
