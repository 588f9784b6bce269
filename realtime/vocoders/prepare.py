"""The shapes of a vocoder's windows, prepared before a request needs them, within a time bound."""

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
    """Counts of the shapes that are wanted and ready, and the seconds that preparing took."""

    wanted: int
    ready: int
    seconds: float

    @property
    def summary(self) -> str:
        return f"{self.ready} of {self.wanted} shapes ready after {self.seconds:.1f} s"


def batch_sizes(batch: int) -> tuple[int, ...]:
    """Give the counts of windows to prepare, powers of two: others are filled up to the next."""
    return tuple(1 << n for n in range((batch - 1).bit_length() + 1))


def window_shapes(growing: Schedule, whole: Schedule, batch: int) -> list[Sizes]:
    """List every shape that windows may have, the ones needed first at the front."""
    first, *others = growing.sizes
    frames = dict.fromkeys([first, whole.largest, *others, *whole.sizes])
    return [(size, windows) for windows in batch_sizes(batch) for size in frames]


def prepare_on_devices(
    networks: Sequence[Accelerated],
    mel: Tensor,
    shapes: Sequence[Sizes],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[Readiness]:
    """Prepare the same network on several devices, one after the other within one time bound."""
    found: list[Readiness] = []
    for network in networks:
        found.append(prepare_shapes(network, mel, shapes, seconds, clock))
        seconds = max(0.0, seconds - found[-1].seconds)
    return found


def prepare_shapes(
    network: Accelerated,
    mel: Tensor,
    shapes: Sequence[Sizes],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Readiness:
    """Prepare shapes, each with a piece of this mel, and begin none after `seconds`.

    The rest runs eager, and is prepared in quiet moments where the network's owner tends it.
    """
    started = clock()
    if seconds:
        # The network compiles some code of its own at its first run: no request should wait for it.
        inner = network.network
        inner.run(inner.to_device(network.shapes.sample((mel,), shapes[0])))
    ready = 0
    for sizes in shapes:
        if clock() - started >= seconds:
            break
        if network.prepare([sizes]):
            ready += 1
    found = Readiness(len(shapes), ready, clock() - started)
    logger.info("%s under the plan %s: %s", network.name, network.mode, found.summary)
    return found
