"""The interface of a backend, which runs a network in its own way, and the plainest backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Any

from realtime.acceleration.network import Network
from realtime.acceleration.shapes import Sizes, Tensors


class Backend(ABC):
    """A way to run one network. Several threads may call `run` once a bucket is prepared."""

    plan: str
    dynamic = False  # whether it takes every length between the smallest and the largest bucket

    @abstractmethod
    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        """Make what a bucket needs; may take minutes. It may change the network's state."""

    @abstractmethod
    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        """Return the outputs.

        Without a lease they belong to the caller. With one they may lie in buffers of the backend,
        which no other call touches until the lease is closed.
        """

    def holds(self, sizes: Sizes) -> bool:
        """Return whether a prepared bucket is still there."""
        return True

    def has_place_for(self, sizes: Sizes) -> bool:
        """Return whether a bucket is worth preparing in a quiet moment."""
        return True

    def drop(self, sizes: Sizes) -> None:  # noqa: B027 -- most backends hold nothing for a bucket
        """Release what a bucket holds."""

    def close(self) -> None:  # noqa: B027 -- most backends hold nothing
        """Release everything."""

    def described(self) -> dict[str, Any]:
        """Give what a report says about this backend besides the common figures."""
        return {}


class Eager(Backend):
    """The network as torch runs it, operation by operation."""

    plan = "eager"
    dynamic = True

    def __init__(self, network: Network) -> None:
        self._network = network

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        pass

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        return self._network.run(inputs)
