"""How networks run whoever calls them: without gradients, on tensors of the ordinary kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from realtime.acceleration.shapes import Tensors


def ordinary() -> AbstractContextManager[Any]:
    """What is compiled holds for one mode of torch; callers come in any."""
    import torch

    return _outside_inference() if torch.is_inference_mode_enabled() else torch.no_grad()


@contextmanager
def _outside_inference() -> Iterator[None]:
    import torch

    # In this order: leaving the inference mode switches gradients on.
    with torch.inference_mode(False), torch.no_grad():
        yield


def taken(inputs: Tensors) -> Tensors:
    """The inputs, copied where they were made in inference mode and know no version."""
    if not any(item.is_inference() for item in inputs):
        return inputs
    return tuple(item.clone() if item.is_inference() else item for item in inputs)
