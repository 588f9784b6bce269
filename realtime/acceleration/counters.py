"""What happened to the calls of one network: hits, fallbacks, waste; it runs nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from realtime.acceleration.shapes import Fit, Sizes

MOST_REASONS = 64  # kinds of fallbacks that are told apart
MOST_LETTERS = 300


@dataclass(frozen=True)
class Fallback:
    """Why a plan did not run a bucket; no bucket: all of it."""

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
        self._fallbacks: Counter[Fallback] = Counter()
        self._asked = self._computed = 0
        self._kept = self._overlapped = 0
        self._under_way = 0
        self._last = clock()

    def begin(self) -> None:
        with self._lock:
            self._under_way += 1

    def end(self) -> None:
        with self._lock:
            self._under_way -= 1
            self._last = self._clock()

    def quiet_for(self) -> float:
        """Seconds since the last call ended; 0 while one is under way."""
        with self._lock:
            return 0.0 if self._under_way else self._clock() - self._last

    def ran(self, plan: str, fit: Fit | None = None, filled: bool = False) -> None:
        """A call was answered by a plan; `filled`: with the bucket's size and not its own."""
        with self._lock:
            self._hits[plan] += 1
            if fit is not None:
                self._uses[fit.bucket] += 1
                self._asked += _product(fit.lengths)
                self._computed += _product(fit.bucket if filled else fit.lengths)

    def forget_hits(self) -> None:
        """As if no call had come: what was measured is no traffic."""
        with self._lock:
            self._hits.clear()
            self._uses.clear()
            self._asked = self._computed = 0

    def fell_back(self, plan: str, bucket: Sizes | None, reason: str) -> None:
        fallback = Fallback(plan, bucket, reason)
        with self._lock:
            if fallback in self._fallbacks or len(self._fallbacks) < MOST_REASONS:
                self._fallbacks[fallback] += 1

    def count_overlap(self, computed: int, kept: int) -> None:
        """Of what windows computed only a part was kept."""
        with self._lock:
            self._overlapped += computed
            self._kept += kept

    def uses(self, sizes: Sizes) -> int:
        with self._lock:
            return self._uses[sizes]

    def most_used(self) -> list[Sizes]:
        """The buckets that were called, the most used first."""
        with self._lock:
            return [sizes for sizes, _ in self._uses.most_common()]

    def described(self) -> dict[str, Any]:
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
                "padding_share": _share(self._computed, self._asked),
                "overlap_share": _share(self._overlapped, self._kept),
            }


def error_text(error: BaseException) -> str:
    """An error as one line that fits a report."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _product(sizes: Iterable[int]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found


def _share(computed: int, kept: int) -> float:
    """The part of what was computed that nobody asked for."""
    return round(1 - kept / computed, 4) if computed else 0.0
