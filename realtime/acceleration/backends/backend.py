"""What a plan makes of a network, and the simplest: the network as it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.acceleration.network import Network
from realtime.acceleration.shapes import Sizes, Tensors


class Backend(ABC):
    """One quick form of a network. Safe to call from several threads once a bucket is prepared."""

    plan: str
    dynamic = False  # whether it takes every length between the smallest and the largest bucket

    @abstractmethod
    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        """Make what a bucket needs; may take minutes. It may change the network's state."""

    @abstractmethod
    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        """The outputs, which belong to the caller alone."""

    @contextmanager
    def lease(self, sizes: Sizes, inputs: Tensors) -> Iterator[Tensors]:
        """The outputs where they lie, good until the end of the block."""
        yield self.run(sizes, inputs)

    def holds(self, sizes: Sizes) -> bool:
        """Whether a prepared bucket is still there."""
        return True

    def has_place_for(self, uses: int) -> bool:
        """Whether a bucket that is used so often should be prepared in a quiet moment."""
        return True

    def drop(self, sizes: Sizes) -> None:  # noqa: B027 -- most forms hold nothing for a bucket
        """Let go of a bucket."""

    def close(self) -> None:  # noqa: B027 -- most forms hold nothing
        """Let go of everything."""

    def described(self) -> dict[str, Any]:
        """What a report says about it besides the common figures."""
        return {}


class Eager(Backend):
    """The network as torch runs it."""

    plan = "eager"
    dynamic = True

    def __init__(self, network: Network) -> None:
        self._network = network

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        pass

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        return self._network.run(inputs)
