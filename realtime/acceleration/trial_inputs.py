"""The methods by which a module may say how it is checked; without them its examples are used.

`cases(sizes)` gives inputs of a bucket in which mistakes show. A module that has it has no tensors
but its parameters and buffers, so that others can be lent to it. `rehearse(*inputs)` fills its
state for them. `judged(inputs, outputs)` gives what is compared of the outputs in 16 bits, where a
choice between two values that are nearly equal may fall to either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.acceleration.shapes import Sizes, Tensors

if TYPE_CHECKING:
    from torch import nn


def has_cases(module: nn.Module) -> bool:
    """Return whether a module names the inputs that it is checked with."""
    return hasattr(module, "cases")


def cases(module: nn.Module, sizes: Sizes, inputs: Tensors) -> list[Tensors]:
    """Give the inputs that check a bucket: the module's own, or else `inputs`."""
    made = getattr(module, "cases", None)
    return [inputs] if made is None else [tuple(case) for case in made(sizes)]


def rehearse(module: nn.Module, inputs: Tensors) -> None:
    """Fill the module's state so that a mistake at these inputs shows."""
    if (fill := getattr(module, "rehearse", None)) is not None:
        fill(*inputs)


def judged(module: nn.Module, inputs: Tensors, outputs: Tensors) -> Tensors:
    """Give what is compared of the outputs: what the module says, or else all of them."""
    judge = getattr(module, "judged", None)
    return outputs if judge is None else tuple(judge(inputs, outputs))
