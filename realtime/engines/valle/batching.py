"""Lines that share the steps of one model; each has a slot from its text to its last code.

One thread calls it. Lines come and go between steps; lines always fill the first slots, so a step
is no larger than the number of lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from realtime.engines.valle.codes import BEGIN, END
from realtime.engines.valle.step_buffers import StepBuffers, StepOutput

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.valle.networks.autoregressive import AutoregressiveModel

# From states, random numbers and rows to the next states and the logits, valid inside the block.
RunStep = Callable[
    ["Tensor", "Tensor", "Tensor"], AbstractContextManager[tuple["Tensor", "Tensor"]]
]

# end: the model ended it; limit: no more steps or places; repetition: the repetition guard;
# abandoned: nobody waits for it; invalid: the logits held NaN or infinity.
Ending = Literal["end", "limit", "repetition", "abandoned", "invalid"]


@dataclass(eq=False)
class BatchedLine:
    """A line on its way through the steps."""

    ids: Sequence[int]  # symbols of the example and of the text
    languages: Sequence[int]  # one for each symbol
    prompt_codes: Sequence[int]  # the first level of the example
    random_numbers: npt.NDArray[np.int64]  # one for each step; their count is the most steps
    repetition_guard: int = 0  # equal codes in a row that end the line; 0: off
    is_abandoned: Callable[[], bool] = lambda: False  # true when nobody waits for the line
    codes: list[int] = field(default_factory=list)
    likelihood: float = 0.0  # sum of the logarithms of the codes' chances
    ending: Ending | None = None
    queued_steps: int = 0
    unread_steps: int = 0  # queued steps whose codes are not read yet

    @property
    def state(self) -> tuple[int, int, int]:
        """Return the last code, its position, and its place in the slot."""
        codes = self.codes or self.prompt_codes
        last = codes[-1] if codes else BEGIN
        position = len(self.prompt_codes) + len(self.codes)
        return last, position, len(self.ids) + position

    @property
    def next_place(self) -> int:
        """Return the place of the next step to be queued; all places before it are written."""
        return len(self.ids) + len(self.prompt_codes) + self.queued_steps

    @property
    def has_steps_left(self) -> bool:
        return self.queued_steps < len(self.random_numbers)

    @property
    def next_random_number(self) -> int:
        """Return the random number of the next step; 0 after the last, whose code is dropped."""
        return int(self.random_numbers[self.queued_steps]) if self.has_steps_left else 0

    def add(self, code: int) -> None:
        """Add one step's code, and set the ending where the line is over with it."""
        if code >= END:
            self.ending = "end" if code == END else "invalid"
            return
        self.codes.append(code)
        last = self.codes[-self.repetition_guard :]
        if self.repetition_guard and len(last) == self.repetition_guard and len(set(last)) == 1:
            self.ending = "repetition"
        elif len(self.codes) >= len(self.random_numbers):
            self.ending = "limit"


@dataclass(frozen=True)
class QueuedStep:
    """A step that is queued, and the lines that were in the slots when it was."""

    lines: list[BatchedLine]
    output: StepOutput


class Batch:
    """The lines under way in one model.

    With `ahead` a step is queued before the codes of the one before it are read, so that a device
    need not wait. A line that has ended then makes one code too many, which is dropped.
    """

    def __init__(
        self,
        model: AutoregressiveModel,
        run_step: RunStep,
        *,
        batch_sizes: Sequence[int],
        spans: Sequence[int],
        scored: bool = False,
        ahead: bool = False,
    ) -> None:
        import torch

        self._model = model
        self._run_step = run_step
        self._batch_sizes = tuple(batch_sizes)
        self._device = model.device
        self._rows = {span: torch.arange(span, device=self._device) for span in spans}
        self._places = spans[-1]  # of a slot
        self._scored = scored
        self._queues_ahead = ahead
        self._lines: list[BatchedLine] = []
        self._buffers = StepBuffers(self._batch_sizes[-1], self._device)
        self._queued: QueuedStep | None = None
        self.steps = 0

    @property
    def line_count(self) -> int:
        return len(self._lines)

    @property
    def free_slots(self) -> int:
        return self._batch_sizes[-1] - len(self._lines)

    def enter(self, line: BatchedLine) -> bool:
        """Put a line into a slot, so that every step makes a code of it; False when none is free.

        A line that has no place for a code ends at once.
        """
        import torch

        if not self.free_slots:
            return False
        if self._is_full(line):
            line.ending = "limit"
            return True

        def tensor(numbers: Sequence[int]) -> Tensor:
            return torch.tensor(list(numbers), dtype=torch.long, device=self._device)

        slot = len(self._lines)
        with torch.no_grad():
            self._model.prefill(
                slot, tensor(line.ids), tensor(line.languages), tensor(line.prompt_codes)
            )
            self._buffers.set_state(slot, line.state)
        self._lines.append(line)
        return True

    def leave(self, line: BatchedLine) -> None:
        """Free a line's slot, into which the last line moves; ignore a line that left before."""
        if line not in self._lines:
            return
        import torch

        line.ending = line.ending or "abandoned"
        slot, last = self._lines.index(line), self._lines.pop()
        with torch.no_grad():
            if line.ending == "invalid":
                self._model.clear(slot)
            elif line.unread_steps:
                # The dropped step may have written NaN, and its code will not be looked at.
                self._model.clear(slot, line.next_place - 1)
            if last is not line:
                self._model.move(len(self._lines), slot, last.next_place)
                self._buffers.move_state(len(self._lines), slot)
                self._lines[slot] = last

    def advance(self) -> None:
        """Make one code for every line that was there when the step now read was queued."""
        for line in [line for line in self._lines if line.is_abandoned()]:
            self.leave(line)
        step, self._queued = self._queued, None
        if not self._lines:
            return
        if step is None or not any(line in self._lines for line in step.lines):
            step = self._queue_step()
        if self._queues_ahead and any(line.has_steps_left for line in self._lines):
            self._queued = self._queue_step()
        self._read(step)

    def _queue_step(self) -> QueuedStep:
        """Queue the next step of all lines."""
        import torch

        count = next(size for size in self._batch_sizes if size >= len(self._lines))
        furthest = max(line.next_place for line in self._lines)
        rows = next(rows for span, rows in self._rows.items() if span > furthest)
        with torch.no_grad():
            state, numbers = self._buffers.inputs(
                count, [line.next_random_number for line in self._lines]
            )
            with self._run_step(state, numbers, rows) as (state, logits):
                output = self._buffers.store(state, self._scored_logits(logits))
        for line in self._lines:
            line.queued_steps += 1
            line.unread_steps += 1
        self.steps += 1
        return QueuedStep(list(self._lines), output)

    def _read(self, step: QueuedStep) -> None:
        codes, chances = step.output.read()
        for slot, line in enumerate(step.lines):
            line.unread_steps -= 1
            if line.ending is None:
                line.likelihood += chances[slot] if chances else 0.0
                line.add(codes[slot])
            if line.ending is None and self._is_full(line):
                line.ending = "limit"
        # Only after all are read: a line that moves takes along what this step wrote.
        for line in [line for line in self._lines if line.ending is not None]:
            self.leave(line)

    def _scored_logits(self, logits: Tensor) -> Tensor | None:
        """Return the logits that codes were chosen from, where lines are compared; else None.

        The published model compares after temperature and filters.
        """
        from realtime.engines.valle.networks.autoregressive import filter_logits

        return filter_logits(logits, self._model.sampling) if self._scored else None

    def _is_full(self, line: BatchedLine) -> bool:
        """Return whether a line has no place for a code; the last is for one code too many."""
        return line.state[2] >= self._places - 1
