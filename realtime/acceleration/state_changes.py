"""What a call changed of a network's state: only those rows are kept and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StateChange:
    """The rows of one buffer that a call changed, by their numbers, and what stands there now."""

    rows: Tensor
    values: Tensor


def changed(before: Sequence[Tensor], now: Sequence[Tensor]) -> list[StateChange]:
    """What differs, buffer by buffer; `now` may have longer floats."""
    found = []
    for old, new in zip(before, now, strict=True):
        rows = _differing(old, new)
        found.append(StateChange(rows, _rows(new).index_select(0, rows)))
    return found


def beside(
    before: Sequence[Tensor], now: Sequence[Tensor], truth: Sequence[StateChange]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Of each buffer the rows that a call or its truth changed: as they are, as they should be."""
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
    """The numbers of the rows that are not the same, rising."""
    return (_rows(old) != _rows(new)).any(1).nonzero()[:, 0]


def _rows(x: Tensor) -> Tensor:
    return x.reshape(-1, x.shape[-1] if x.dim() else 1)
