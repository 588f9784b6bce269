"""A turn of one line's work, after which another line may use the same model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

TURN_SECONDS = 0.02  # after which another line may go on


@dataclass
class Turn:
    """The current turn of a piece: its time, and whether anybody still waits for the piece."""

    check: Callable[[], None]  # raises when nobody waits
    is_abandoned: Callable[[], bool]  # the same, as an answer
    clock: Callable[[], float] = time.monotonic
    _began: float = field(default=0.0)

    def begin(self) -> None:
        self._began = self.clock()

    @property
    def is_over(self) -> bool:
        return self.clock() - self._began >= TURN_SECONDS
