"""Memory that no name reaches and that is freed only when somebody collects it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Cycle:
    """An object that holds a tensor and itself."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.itself = self


@contextmanager
def unreachable_tensor() -> Iterator[weakref.ref[torch.Tensor]]:
    """Make a tensor in a cycle and yield a weak reference to it; only `gc.collect` frees it."""
    gc.disable()
    try:
        tensor = torch.zeros(1_000)
        Cycle(tensor)
        held = weakref.ref(tensor)
        del tensor
        yield held
    finally:
        gc.enable()
