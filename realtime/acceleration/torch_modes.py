"""Devices and precisions as settings say them, in torch's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    import torch


def with_index(device: torch.device | str) -> torch.device:
    """A GPU with its number: tensors name theirs so, and not all of torch takes another name."""
    import torch

    found = torch.device(device)
    if found.type == "cuda" and found.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return found


def dtype_of(precision: str) -> torch.dtype:
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


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
