"""Lines that share the steps of one model: each sits in a slot, from its text to its last code.

It knows no text and no sound. One thread calls it. Lines come and go between steps; those that are
filled are always the first slots, so a step is no larger than the lines there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from realtime.engines.valle.step_buffers import StepBuffers, StepOutput

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.valle.networks.autoregressive import Coarse

END = 1024  # the code that ends a line
BEGIN = 1025  # the code before the first

# What a step gives, where it lies until the end of the block.
Step = Callable[["Tensor", "Tensor", "Tensor"], AbstractContextManager[tuple["Tensor", "Tensor"]]]


@dataclass(eq=False)
class BatchedLine:
    """One line's way through the steps; `ending` says why it is over."""

    ids: Sequence[int]
    languages: Sequence[int]
    heard: Sequence[int]  # the first level of the prompt
    draws: npt.NDArray[np.int64]  # a number for each step, and no more steps than numbers
    guard: int = 0  # equal codes in a row that are too many; 0: none
    left: Callable[[], bool] = lambda: False  # whether nobody waits for it any more
    codes: list[int] = field(default_factory=list)
    likelihood: float = 0.0  # logarithm, summed
    ending: str | None = None  # "said" | "limit" | "stuck" | "left" | "broken"
    steps: int = 0  # that were queued for it
    unread: int = 0  # of them, those whose codes are not read yet

    @property
    def row(self) -> tuple[int, int, int]:
        """Its last code, that code's position, and its place in the slot."""
        *_, last = BEGIN, *self.heard[-1:], *self.codes[-1:]
        position = len(self.heard) + len(self.codes)
        return last, position, len(self.ids) + position

    @property
    def reached(self) -> int:
        """The place of its next step; all before it are written."""
        return len(self.ids) + len(self.heard) + self.steps

    @property
    def goes_on(self) -> bool:
        """Whether it may have a step after those that are queued."""
        return self.steps < len(self.draws)

    @property
    def draw(self) -> int:
        """The random number of its next step; what comes after its last is not seen."""
        return int(self.draws[self.steps]) if self.goes_on else 0

    def take(self, code: int) -> None:
        """One step's code."""
        if code >= END:
            self.ending = "said" if code == END else "broken"
            return
        self.codes.append(code)
        last = self.codes[-self.guard :]
        if self.guard and len(last) == self.guard and len(set(last)) == 1:
            self.ending = "stuck"
        elif len(self.codes) >= len(self.draws):
            self.ending = "limit"


@dataclass(frozen=True)
class Ahead:
    """A step that is queued, with the lines it was made for, each in its slot."""

    seats: list[BatchedLine]
    found: StepOutput


class Batch:
    """All lines under way in one model.

    With `ahead` a step is queued before the codes of the one before it are read, so that a device
    need not wait. A line that has ended makes one code too many, which nobody sees.
    """

    def __init__(
        self,
        coarse: Coarse,
        step: Step,
        *,
        batches: Sequence[int],
        spans: Sequence[int],
        scored: bool = False,
        ahead: bool = False,
    ) -> None:
        import torch

        self._coarse = coarse
        self._step = step
        self._batches = tuple(batches)
        self._device = coarse.device
        self._rows = {span: torch.arange(span, device=self._device) for span in spans}
        self._room = spans[-1]
        self._scored = scored
        self._looks_ahead = ahead
        self._seats: list[BatchedLine] = []
        self._table = StepBuffers(self._batches[-1], self._device)
        self._ahead: Ahead | None = None
        self.steps = 0

    @property
    def taken(self) -> int:
        return len(self._seats)

    @property
    def free(self) -> int:
        return self._batches[-1] - len(self._seats)

    def enter(self, seat: BatchedLine) -> bool:
        """Put a line into a slot, whose step every step then is too; False when none is free."""
        import torch

        if not self.free:
            return False
        if self._is_full(seat):
            seat.ending = "limit"
            return True

        def tensor(numbers: Sequence[int]) -> Tensor:
            return torch.tensor(list(numbers), dtype=torch.long, device=self._device)

        place = len(self._seats)
        with torch.no_grad():
            self._coarse.prefill(
                place, tensor(seat.ids), tensor(seat.languages), tensor(seat.heard)
            )
            self._table.put(place, seat.row)
        self._seats.append(seat)
        return True

    def leave(self, seat: BatchedLine) -> None:
        """Free a line's slot; the last line moves into it."""
        if seat not in self._seats:
            return
        import torch

        seat.ending = seat.ending or "left"
        place, last = self._seats.index(seat), self._seats.pop()
        with torch.no_grad():
            if seat.ending == "broken":
                self._coarse.clear(place)
            elif seat.unread:
                # Nobody will ask whether this step still gave numbers.
                self._coarse.clear(place, seat.reached - 1)
            if last is not seat:
                self._coarse.move(len(self._seats), place, last.reached)
                self._table.move(len(self._seats), place)
                self._seats[place] = last

    def advance(self) -> None:
        """One code for every line that was there before the step that is now read."""
        for seat in [seat for seat in self._seats if seat.left()]:
            self.leave(seat)
        ahead, self._ahead = self._ahead, None
        if not self._seats:
            return
        if ahead is None or not any(seat in self._seats for seat in ahead.seats):
            ahead = self._queued()
        if self._looks_ahead and any(seat.goes_on for seat in self._seats):
            self._ahead = self._queued()
        self._read(ahead)

    def _queued(self) -> Ahead:
        """The next step of all lines, on its way."""
        import torch

        count = next(size for size in self._batches if size >= len(self._seats))
        reached = max(seat.reached for seat in self._seats)
        rows = next(rows for span, rows in self._rows.items() if span > reached)
        with torch.no_grad():
            state, draws = self._table.given(count, [seat.draw for seat in self._seats])
            with self._step(state, draws, rows) as (state, logits):
                found = self._table.keep(state, self._chances(logits))
        for seat in self._seats:
            seat.steps, seat.unread = seat.steps + 1, seat.unread + 1
        self.steps += 1
        return Ahead(list(self._seats), found)

    def _read(self, step: Ahead) -> None:
        codes, chances = step.found.read()
        for number, seat in enumerate(step.seats):
            seat.unread -= 1
            if seat.ending is None:
                seat.likelihood += chances[number] if chances else 0.0
                seat.take(codes[number])
            if seat.ending is None and self._is_full(seat):
                seat.ending = "limit"
        # Only now: a line that moves takes along what this step wrote.
        for seat in [seat for seat in self._seats if seat.ending is not None]:
            self.leave(seat)

    def _chances(self, logits: Tensor) -> Tensor | None:
        """What each code was chosen from, where lines are compared, as is published."""
        from realtime.engines.valle.networks.autoregressive import narrowed

        return narrowed(logits, self._coarse.sampling) if self._scored else None

    def _is_full(self, seat: BatchedLine) -> bool:
        """Whether a line has no place for a code; the last place is for one too many."""
        return seat.row[2] >= self._room - 1
