"""What a plan makes of a network, and the two simplest: as it is, and compiled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.acceleration.compiler import traced
from realtime.acceleration.network import Network
from realtime.acceleration.shapes import Sizes, Tensors

MOST_COMPILED = 256  # buckets of one network that inductor keeps


class CannotRun(Exception):
    """A plan cannot run this network, or a bucket of it, and says why."""


class NotNow(CannotRun):
    """A plan cannot run a call at this moment; the next may pass."""


class Form(ABC):
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


class Eager(Form):
    """The network as torch runs it."""

    plan = "eager"
    dynamic = True

    def __init__(self, network: Network) -> None:
        self._network = network

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        pass

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        return self._network.run(inputs)


class Compiled(Form):
    """The network through inductor, specialised for each bucket."""

    plan = "compile"

    def __init__(self, network: Network, tuned: bool = False) -> None:
        import torch

        self._network = network
        # Of `forward` alone: whatever else the module can do is not compiled, and not called here.
        mode = "max-autotune-no-cudagraphs" if tuned else None
        self._compiled = torch.compile(network.traced, dynamic=False, mode=mode)
        # Calls only run what was compiled: one that would compile anew runs eager, and no lock
        # is needed for what a caller waits for.
        self._prepared = torch._dynamo.run(self._compiled)

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        import torch
        from torch._dynamo import config

        # Past its own limit dynamo would quietly run eager.
        limits = {
            "recompile_limit": MOST_COMPILED,
            "accumulated_recompile_limit": 4 * MOST_COMPILED,
        }

        def compile_for() -> None:
            with config.patch(limits), torch.no_grad():
                self._compiled(*inputs)

        traced(compile_for)

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        import torch

        with torch.no_grad():
            found: Tensors = self._prepared(*inputs)
        return found
