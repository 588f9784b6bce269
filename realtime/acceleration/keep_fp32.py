"""A module whose floats keep their precision when the network around it is shortened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class KeepFp32(nn.Module):
    """A module that `to`, `half` and the like move, but do not shorten; nor the modules in it."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        def moved(tensor: Tensor) -> Tensor:
            found = fn(tensor)
            return found if found.itemsize >= tensor.itemsize else tensor.to(found.device)

        return super()._apply(moved, recurse)  # type: ignore[no-untyped-call]
