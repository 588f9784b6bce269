"""Counters of one network's calls: which plan answered, what fell back and why, what was wasted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from realtime.acceleration.shapes import Fit, Sizes

MOST_REASONS = 64  # kinds of fallbacks that are told apart
MOST_LETTERS = 300  # of a reason in a report
HALVED_EVERY = 1_024  # calls after which recent uses count half: old favourites fade


@dataclass(frozen=True)
class Fallback:
    """The reason why a plan did not run a bucket; bucket None: it ran none at all."""

    plan: str
    bucket: Sizes | None
    reason: str


class Counters:
    """Counts that several threads add to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hits: Counter[str] = Counter()
        self._uses: Counter[Sizes] = Counter()
        self._recent: dict[Sizes, float] = {}
        self._fallbacks: Counter[Fallback] = Counter()
        self._asked = self._computed = 0
        self._kept = self._overlapped = 0
        self._under_way = 0
        self._last = clock()

    def begin(self) -> None:
        """Count a call that begins."""
        with self._lock:
            self._under_way += 1

    def end(self) -> None:
        """Count a call that ends."""
        with self._lock:
            self._under_way -= 1
            self._last = self._clock()

    def quiet_for(self) -> float:
        """Give the seconds since the last call ended; 0 while one is under way."""
        with self._lock:
            return 0.0 if self._under_way else self._clock() - self._last

    def ran(self, plan: str, fit: Fit | None = None, filled: bool = False) -> None:
        """Count an answer of a plan; `filled`: it computed the whole bucket, filled with zeros."""
        with self._lock:
            self._hits[plan] += 1
            if fit is not None:
                self._used(fit.bucket)
                self._asked += _product(fit.lengths)
                self._computed += _product(fit.bucket if filled else fit.lengths)

    def forget_hits(self) -> None:
        """Forget the calls so far: those that only measured were no traffic."""
        with self._lock:
            self._hits.clear()
            self._uses.clear()
            self._recent.clear()
            self._asked = self._computed = 0

    def fell_back(self, plan: str, bucket: Sizes | None, reason: str) -> None:
        """Count a fallback; once there are many kinds, new kinds are not counted."""
        fallback = Fallback(plan, bucket, reason)
        with self._lock:
            if fallback in self._fallbacks or len(self._fallbacks) < MOST_REASONS:
                self._fallbacks[fallback] += 1

    def count_overlap(self, computed: int, kept: int) -> None:
        """Count what overlapping windows computed, and the part of it that was kept."""
        with self._lock:
            self._overlapped += computed
            self._kept += kept

    def uses(self, sizes: Sizes) -> int:
        """Give the number of calls of a bucket."""
        with self._lock:
            return self._uses[sizes]

    def recent_uses(self, sizes: Sizes) -> float:
        """Give the number of calls of a bucket, of which older ones count less."""
        with self._lock:
            return self._recent.get(sizes, 0.0)

    def most_used(self) -> list[Sizes]:
        """List the buckets that were called, the most used of late first."""
        with self._lock:
            return sorted(self._recent, key=lambda sizes: -self._recent[sizes])

    def described(self) -> dict[str, Any]:
        """Give the counts for a report."""
        with self._lock:
            return {
                "calls": sum(self._hits.values()),
                "hits": dict(self._hits),
                "fallbacks": [
                    {
                        "plan": item.plan,
                        "bucket": None if item.bucket is None else list(item.bucket),
                        "reason": item.reason,
                        "count": count,
                    }
                    for item, count in self._fallbacks.most_common()
                ],
                "padding_share": _wasted_share(self._computed, self._asked),
                "overlap_share": _wasted_share(self._overlapped, self._kept),
            }

    def _used(self, sizes: Sizes) -> None:
        self._uses[sizes] += 1
        self._recent[sizes] = self._recent.get(sizes, 0.0) + 1
        if self._uses.total() % HALVED_EVERY == 0:
            for other in self._recent:
                self._recent[other] /= 2


def error_text(error: BaseException) -> str:
    """Write an error as one line that fits a report."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _product(sizes: Iterable[int]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found


def _wasted_share(computed: int, kept: int) -> float:
    """Give the part of what was computed that was not kept."""
    return round(1 - kept / computed, 4) if computed else 0.0
