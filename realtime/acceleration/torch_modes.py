"""Torch's names for devices and precisions, and the one mode in which networks run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    import torch


def with_index(device: torch.device | str) -> torch.device:
    """Return a device, a GPU always with its index.

    The devices of tensors have one, so only then do they compare equal; and some functions of
    torch refuse a GPU without it.
    """
    import torch

    found = torch.device(device)
    if found.type == "cuda" and found.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return found


def dtype_of(precision: str) -> torch.dtype:
    """Return torch's type of the floats of a precision."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


def without_gradients() -> AbstractContextManager[Any]:
    """Return a context without gradients and outside of inference mode.

    What is compiled holds for one mode of torch, and callers come in any.
    """
    import torch

    return _outside_inference() if torch.is_inference_mode_enabled() else torch.no_grad()


@contextmanager
def _outside_inference() -> Iterator[None]:
    import torch

    # In this order: leaving the inference mode switches gradients on.
    with torch.inference_mode(False), torch.no_grad():
        yield


def normal_tensors(inputs: Tensors) -> Tensors:
    """Return the inputs, of which those that were made in inference mode are copied.

    Such tensors have no version counter, which code outside of inference mode asks for.
    """
    if not any(item.is_inference() for item in inputs):
        return inputs
    return tuple(item.clone() if item.is_inference() else item for item in inputs)
