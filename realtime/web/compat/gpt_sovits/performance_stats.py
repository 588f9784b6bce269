"""Figures of the requests that spoke through GPT-SoVITS' addresses, each counted once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class StageTimes:
    """Seconds of one request, or of all: the wait for the engine, then the engine's two stages."""

    total: float = 0.0
    wait: float = 0.0  # until the engine began
    first_sound: float = 0.0  # of the engine, until its first sound
    rest: float = 0.0  # of the engine, from there until the last sound
    encoding: float = 0.0

    def add(self, other: StageTimes) -> None:
        for field in fields(self):
            name = field.name
            setattr(self, name, getattr(self, name) + getattr(other, name))


class RequestStopwatch:
    """A stopwatch of one request."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.times = StageTimes()
        self.failed = False  # by an error, or because its client left
        self._clock = clock
        self._began = clock()
        self._first_sound: float | None = None

    def note_first_sound(self, timing: Mapping[str, float], made_now: bool) -> None:
        """Note the first sound, with the milliseconds that making it took where it was made."""
        self._first_sound = self._clock()
        if not made_now:
            return
        until = timing.get("first_audio", 0.0) / 1000
        self.times.wait = min(until, (timing.get("text", 0.0) + timing.get("queue", 0.0)) / 1000)
        self.times.first_sound = until - self.times.wait

    def note_last_sound(self, encoding: float) -> None:
        """Note the last sound; `encoding` are the seconds of that work."""
        self.times.encoding = encoding
        if self.times.first_sound and self._first_sound is not None:
            self.times.rest = max(0.0, self._clock() - self._first_sound - encoding)

    def stop(self) -> StageTimes:
        self.times.total = self._clock() - self._began
        return self.times


class PerformanceStats:
    """The sums over all requests since the start, or since they were reset."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.active = 0
        self._busy_since = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin anew; requests under way are counted when they end."""
        self._requests = self._failed = self.most_active = 0
        self._busy = 0.0  # seconds in which some request was under way
        self._busy_since = self._clock()
        self._times = StageTimes()

    @contextmanager
    def request(self) -> Iterator[RequestStopwatch]:
        """Count one request while the context lasts."""
        stopwatch = RequestStopwatch(self._clock)
        if not self.active:
            self._busy_since = self._clock()
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            yield stopwatch
        except BaseException:
            stopwatch.failed = True
            raise
        finally:
            self.active -= 1
            self._failed += stopwatch.failed
            self._requests += 1
            self._times.add(stopwatch.stop())
            if not self.active:
                self._busy += self._clock() - self._busy_since

    def described(self) -> dict[str, Any]:
        """Return the figures under the names of the CUDA fork, and our own after them."""
        count, times = self._requests, self._times
        stages = {
            "tts": times.total,
            "t2s": times.first_sound,
            "vocoder": times.rest,
            "postprocess": times.encoding,
            "wait": times.wait,
        }
        busy = self._busy + (self._clock() - self._busy_since if self.active else 0.0)
        return {
            "total_requests": count,
            **{f"total_{name}_time": round(spent, 4) for name, spent in stages.items()},
            **{
                f"avg_{name}_time": round(spent / count, 4) if count else 0.0
                for name, spent in stages.items()
            },
            "requests_per_second": round(count / busy, 4) if busy else 0.0,
            "failed_requests": self._failed,
        }
