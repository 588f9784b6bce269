"""The check of a quick kernel against the plain one, before it is first used."""

from __future__ import annotations

import torch
from torch import Tensor

# As parts of the signal's root mean square: a few times what rounding in each type does.
LARGEST_ERROR = {
    torch.float64: 1e-5,
    torch.float32: 1e-5,
    torch.float16: 5e-3,
    torch.bfloat16: 4e-2,
}


def relative_error(found: Tensor, exact: Tensor) -> float:
    """Return the error's root mean square as a part of the signal's; infinity where it is NaN."""
    error = found.float() - exact
    share = float(error.square().mean().sqrt() / exact.square().mean().sqrt())
    return share if share == share else float("inf")
