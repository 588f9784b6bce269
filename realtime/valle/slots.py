"""Lines that share the steps of one model: each sits in a slot, from its text to its last code.

It knows no text and no sound. One thread calls it. Lines come and go between steps; those that are
filled are always the first slots, so a step is no larger than the lines there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.networks.coarse import Coarse

END = 1024  # the code that ends a line
BEGIN = 1025  # the code before the first

Step = Callable[["Tensor", "Tensor", "Tensor"], tuple["Tensor", "Tensor"]]


@dataclass(eq=False)
class Seat:
    """One line's way through the steps; `ending` says why it is over."""

    ids: Sequence[int]
    languages: Sequence[int]
    heard: Sequence[int]  # the first level of the prompt
    draws: npt.NDArray[np.int64]  # a number for each step, and no more steps than numbers
    guard: int = 0  # equal codes in a row that are too many; 0: none
    left: Callable[[], bool] = lambda: False  # whether nobody waits for it any more
    codes: list[int] = field(default_factory=list)
    likelihood: float = 0.0  # logarithm, summed
    ending: str | None = None  # "said" | "limit" | "stuck" | "left"

    @property
    def row(self) -> tuple[int, int, int]:
        """Its last code, that code's position, and its place in the slot."""
        *_, last = BEGIN, *self.heard[-1:], *self.codes[-1:]
        position = len(self.heard) + len(self.codes)
        return last, position, len(self.ids) + position

    def take(self, code: int) -> None:
        """One step's code."""
        if code == END:
            self.ending = "said"
            return
        self.codes.append(code)
        last = self.codes[-self.guard :]
        if self.guard and len(last) == self.guard and len(set(last)) == 1:
            self.ending = "stuck"
        elif len(self.codes) >= len(self.draws):
            self.ending = "limit"


class Slots:
    """All lines under way in one model."""

    def __init__(
        self,
        coarse: Coarse,
        step: Step,
        *,
        batches: Sequence[int],
        spans: Sequence[int],
        scored: bool = False,
    ) -> None:
        import torch

        self._coarse = coarse
        self._step = step
        self._batches = tuple(batches)
        self._device = coarse.keys.device
        self._rows = {span: torch.arange(span, device=self._device) for span in spans}
        self._scored = scored
        self._seats: list[Seat] = []
        self._state: Any = None  # what the last step gave, while the same lines go on
        self.steps = 0

    @property
    def taken(self) -> int:
        return len(self._seats)

    @property
    def free(self) -> int:
        return self._batches[-1] - len(self._seats)

    def enter(self, seat: Seat) -> bool:
        """Put a line into a slot, whose step every step then is too; False when none is free."""
        import torch

        if not self.free:
            return False

        def tensor(numbers: Sequence[int]) -> Tensor:
            return torch.tensor(list(numbers), dtype=torch.long, device=self._device)

        with torch.no_grad():
            self._coarse.prefill(
                len(self._seats), tensor(seat.ids), tensor(seat.languages), tensor(seat.heard)
            )
        self._seats.append(seat)
        self._state = None
        return True

    def leave(self, seat: Seat) -> None:
        """Free a line's slot; the last line moves into it."""
        if seat not in self._seats:
            return
        import torch

        seat.ending = seat.ending or "left"
        place, last = self._seats.index(seat), self._seats.pop()
        self._state = None
        if last is not seat:
            with torch.no_grad():
                self._coarse.move(len(self._seats), place, last.row[2])
            self._seats[place] = last

    def advance(self) -> None:
        """One code for every line."""
        for seat in [seat for seat in self._seats if seat.left()]:
            self.leave(seat)
        if not self._seats:
            return
        state, logits = self._step(*self._inputs())
        self._state = state
        self.steps += 1
        codes = state[:, 0].tolist()
        if self._scored:
            self._score(codes, logits)
        for seat, code in zip(self._seats, codes, strict=False):
            seat.take(code)
        # Only now: a line that moves takes along what this step wrote.
        for seat in [seat for seat in self._seats if seat.ending is not None]:
            self.leave(seat)

    def _inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        import torch

        count = next(size for size in self._batches if size >= len(self._seats))
        draws = torch.zeros(count, dtype=torch.long)
        for number, seat in enumerate(self._seats):
            draws[number] = int(seat.draws[len(seat.codes)])
        if self._state is None:
            state = torch.zeros(count, 3, dtype=torch.long)
            state[: len(self._seats)] = torch.tensor([seat.row for seat in self._seats])
            self._state = state.to(self._device)
        reached = max(len(seat.ids) + len(seat.heard) + len(seat.codes) for seat in self._seats)
        rows = next(rows for span, rows in self._rows.items() if span > reached)
        return self._state, draws.to(self._device), rows

    def _score(self, codes: list[int], logits: Tensor) -> None:
        """How likely each code was among what it was chosen from, as is published."""
        from realtime.networks.coarse import narrowed

        likely = narrowed(logits[: len(self._seats)], self._coarse.sampling).log_softmax(-1)
        for seat, code, row in zip(self._seats, codes, likely, strict=False):
            seat.likelihood += float(row[code])
