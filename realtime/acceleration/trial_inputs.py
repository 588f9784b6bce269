"""What a module may say of how it is tried; one that says nothing is tried with its examples.

`cases(sizes)` gives inputs of a bucket, in which a mistake shows; who has them has no tensors but
its parameters and buffers, so that others can be lent to it. `rehearse(*inputs)` fills its
state for them. `judged(inputs, outputs)` gives what counts of outputs in 16 bits, where a choice
between two that are nearly equal may fall to either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.acceleration.shapes import Sizes, Tensors

if TYPE_CHECKING:
    from torch import nn


def has_cases(module: nn.Module) -> bool:
    return hasattr(module, "cases")


def cases(module: nn.Module, sizes: Sizes, given: Tensors) -> list[Tensors]:
    """Inputs for trials of a bucket: the module's own, or else the given ones."""
    made = getattr(module, "cases", None)
    return [given] if made is None else [tuple(case) for case in made(sizes)]


def rehearse(module: nn.Module, inputs: Tensors) -> None:
    """Fill the module's state so that a mistake at these inputs shows."""
    if (fill := getattr(module, "rehearse", None)) is not None:
        fill(*inputs)


def judged(module: nn.Module, inputs: Tensors, outputs: Tensors) -> Tensors:
    """What counts of the outputs."""
    judge = getattr(module, "judged", None)
    return outputs if judge is None else tuple(judge(inputs, outputs))
