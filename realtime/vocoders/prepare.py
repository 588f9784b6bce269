"""The shapes of a vocoder's windows made ready before anybody waits for them, within a bound.

It knows no weights: a network under a plan, the schedules of its windows, and a clock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.acceleration import Accelerated
from realtime.vocoders.networks.windows import Schedule

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

Sizes = tuple[int, ...]  # frames, windows in a run


@dataclass(frozen=True)
class Readiness:
    """How many shapes there are, how many of them are ready, and how long that took."""

    wanted: int
    ready: int
    seconds: float

    @property
    def words(self) -> str:
        return f"{self.ready} of {self.wanted} shapes ready after {self.seconds:.1f} s"


def runs(batch: int) -> tuple[int, ...]:
    """How many windows a run may hold: ones between are filled up to the next."""
    return tuple(1 << n for n in range((batch - 1).bit_length() + 1))


def wanted(growing: Schedule, whole: Schedule, batch: int) -> list[Sizes]:
    """Every shape that windows may have, those first that are missed first."""
    first, *others = growing.sizes
    frames = dict.fromkeys([first, whole.largest, *others, *whole.sizes])
    return [(size, run) for run in runs(batch) for size in frames]


def prepare_each(
    runs: Sequence[Accelerated],
    mel: Tensor,
    shapes: Sequence[Sizes],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[Readiness]:
    """The same network on several devices, one after the other within one bound."""
    found: list[Readiness] = []
    for run in runs:
        found.append(prepare(run, mel, shapes, seconds, clock))
        seconds = max(0.0, seconds - found[-1].seconds)
    return found


def prepare(
    run: Accelerated,
    mel: Tensor,
    shapes: Sequence[Sizes],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Readiness:
    """Make shapes ready, each with a piece of this mel, until the time is over; none is left half.

    What is left is made ready in quiet moments, where somebody tends the network, and runs eager
    until then.
    """
    started = clock()
    if seconds:
        # What the network compiles for itself when it first runs is no listener's to wait for.
        run.network.run(run.network.moved(run.shapes.sample((mel,), shapes[0])))
    ready = 0
    for sizes in shapes:
        if clock() - started >= seconds:
            break
        ready += bool(run.prepare([sizes]))
    found = Readiness(len(shapes), ready, clock() - started)
    logger.info("%s under the plan %s: %s", run.name, run.mode, found.words)
    return found
