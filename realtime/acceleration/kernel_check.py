"""How far a quick form is from the plain one before it is first used, and how far it may be."""

from __future__ import annotations

import torch
from torch import Tensor

# As a part of the signal: some times what rounding does.
LARGEST_ERROR = {
    torch.float64: 1e-5,
    torch.float32: 1e-5,
    torch.float16: 5e-3,
    torch.bfloat16: 4e-2,
}


def relative_error(found: Tensor, exact: Tensor) -> float:
    """How far one signal is from another, as a part of it; what is no number is endlessly far."""
    error = found.float() - exact
    share = float(error.square().mean().sqrt() / exact.square().mean().sqrt())
    return share if share == share else float("inf")
