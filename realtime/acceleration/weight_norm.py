"""Weights kept as a direction and a length, folded into one tensor under the plain name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

# The names that `torch.nn.utils.weight_norm` gives, and those of its successor in
# `torch.nn.utils.parametrizations`.
PAIRS = (
    (".weight_g", ".weight_v"),
    (".parametrizations.weight.original0", ".parametrizations.weight.original1"),
)


def fold_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the same weights without weight norm; others are handed on as they are."""
    plain = dict(state)
    for length_name, direction_name in PAIRS:
        for name in [name for name in plain if name.endswith(length_name)]:
            stem = name.removesuffix(length_name)
            length, direction = plain.pop(name), plain.pop(stem + direction_name)
            # The length has size 1 where it was taken over all numbers: mostly everywhere but in
            # the first dimension, and in HuBERT everywhere but in the last.
            over = tuple(at for at, size in enumerate(length.shape) if size == 1)
            norm = torch.linalg.vector_norm(direction.float(), dim=over, keepdim=True)
            plain[stem + ".weight"] = (direction * (length / norm)).to(direction.dtype)
    return plain
