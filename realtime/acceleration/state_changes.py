"""The rows of a network's state that a call changed: only those are kept and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StateChange:
    """The rows of one buffer that a call changed: their numbers, rising, and their new values."""

    rows: Tensor
    values: Tensor


def find_changes(before: Sequence[Tensor], now: Sequence[Tensor]) -> list[StateChange]:
    """Find what differs, buffer by buffer; `now` may have longer floats."""
    found = []
    for old, new in zip(before, now, strict=True):
        rows = _differing(old, new)
        found.append(StateChange(rows, _rows(new).index_select(0, rows)))
    return found


def pair_with_truth(
    before: Sequence[Tensor], now: Sequence[Tensor], truth: Sequence[StateChange]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the rows of each buffer that a call or its truth changed: as they are, and the truth.

    A row that only one of them changed is among them: that is a mistake too.
    """
    import torch

    found, exact = [], []
    for old, new, right in zip(before, now, truth, strict=True):
        rows = torch.cat((_differing(old, new), right.rows)).unique()  # type: ignore[no-untyped-call]
        should = _rows(old).index_select(0, rows).to(right.values.dtype)
        should[torch.searchsorted(rows, right.rows)] = right.values
        found.append(_rows(new).index_select(0, rows).to(should.dtype))
        exact.append(should)
    return tuple(found), tuple(exact)


def _differing(old: Tensor, new: Tensor) -> Tensor:
    """Find the numbers of the rows that are not the same, rising."""
    return (_rows(old) != _rows(new)).any(1).nonzero()[:, 0]


def _rows(x: Tensor) -> Tensor:
    return x.reshape(-1, x.shape[-1] if x.dim() else 1)
