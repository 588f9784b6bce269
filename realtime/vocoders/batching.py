"""Windows of several requests in one run: who comes while another runs is taken along next.

It knows no mel and no sound: things that have a shape, and a function from a stack of them to as
many results. Whoever waits may be the one who runs, so it has no thread of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

Run = Callable[[Any], Any]  # a stack of equal tensors to a stack of results


class Job:
    """One window that waits; its error is its waiter's."""

    def __init__(self, window: Any) -> None:
        self.window = window
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class Batches:
    """Equal windows share a run, whoever brought them; the first to come is the first to go."""

    def __init__(
        self, run: Run, stack: Callable[[list[Any]], Any], most: Callable[[], int]
    ) -> None:
        self._run, self._stack, self._most = run, stack, most
        self._waiting: deque[Job] = deque()
        self._door = threading.Lock()  # of the queue
        self._turn = threading.Lock()  # of the device
        self.runs = 0
        self.windows = 0

    def __call__(self, windows: Sequence[Any]) -> list[Any]:
        """The result of each window, in order; the first error of any is raised."""
        jobs = [Job(window) for window in windows]
        with self._door:
            self._waiting.extend(jobs)
        for job in jobs:
            self._see_to(job)
        for job in jobs:
            if job.error is not None:
                raise job.error
        return [job.result for job in jobs]

    def _see_to(self, job: Job) -> None:
        while not job.done:
            with self._turn:
                if not job.done:
                    self._work(self._next())

    def _next(self) -> list[Job]:
        """Of those that wait, the first and what is like it."""
        with self._door:
            shape = self._waiting[0].window.shape
            like = [job for job in self._waiting if job.window.shape == shape][: self._most()]
            self._waiting = deque(job for job in self._waiting if job not in like)
        return like

    def _work(self, jobs: list[Job]) -> None:
        try:
            results = self._run(self._stack([job.window for job in jobs]))
            for job, result in zip(jobs, results, strict=True):
                job.result = result
            self.runs += 1
            self.windows += len(jobs)
        except Exception as error:  # noqa: BLE001 (each waiter raises it in its own thread)
            self._fail(jobs, error)
        except BaseException as error:
            self._fail(jobs, error)
            raise
        finally:
            for job in jobs:
                job.done = True

    def _fail(self, jobs: list[Job], error: BaseException) -> None:
        for job in jobs:
            job.error = error
