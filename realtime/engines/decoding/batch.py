"""Lines that share the steps of one model; each has a slot from its text to its last code.

One thread calls it. Lines come and go between steps; lines always fill the first slots, so a step
is no larger than the number of lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol

from realtime.engines.decoding.line import BatchedLine, Prompt
from realtime.engines.decoding.step_buffers import StepBuffers, StepOutput

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# From states, random numbers and rows to the next states and the logits, valid inside the block.
RunStep = Callable[
    ["Tensor", "Tensor", "Tensor"], AbstractContextManager[tuple["Tensor", "Tensor"]]
]


class Slots(Protocol):
    """The part of a model that keeps what lines have been given so far, a slot for each."""

    @property
    def device(self) -> torch.device: ...

    def move(self, source: int, target: int, places: int) -> None: ...

    def clear(self, slot: int, place: int | None = None) -> None: ...


@dataclass(frozen=True)
class QueuedStep:
    """A step that is queued, and the lines that were in the slots when it was."""

    lines: list[BatchedLine[Any]]
    output: StepOutput


class Batch(Generic[Prompt]):
    """The lines under way in one model.

    `prefill` writes a prompt into a slot. `draw_width` is the count of a line's random numbers in
    a step; 0: one whole number. `score` gives the logits by which lines are compared.

    With `ahead` a step is queued before the codes of the one before it are read, so that a device
    need not wait. A line that has ended then makes one code too many, which is dropped.
    """

    def __init__(
        self,
        model: Slots,
        prefill: Callable[[int, Prompt], object],
        run_step: RunStep,
        *,
        batch_sizes: Sequence[int],
        spans: Sequence[int],
        draw_width: int = 0,
        score: Callable[[Tensor], Tensor] | None = None,
        ahead: bool = False,
    ) -> None:
        import torch

        self._model = model
        self._prefill = prefill
        self._run_step = run_step
        self._batch_sizes = tuple(batch_sizes)
        self._device = model.device
        self._rows = {span: torch.arange(span, device=self._device) for span in spans}
        self._places = spans[-1]  # of a slot
        self._score = score
        self._queues_ahead = ahead
        self._lines: list[BatchedLine[Prompt]] = []
        self._buffers = StepBuffers(self._batch_sizes[-1], self._device, draw_width)
        self._queued: QueuedStep | None = None
        self.steps = 0

    @property
    def line_count(self) -> int:
        return len(self._lines)

    @property
    def free_slots(self) -> int:
        return self._batch_sizes[-1] - len(self._lines)

    def enter(self, line: BatchedLine[Prompt]) -> bool:
        """Put a line into a slot, so that every step makes a code of it; False when none is free.

        A line that has no place for a code ends at once.
        """
        import torch

        if not self.free_slots:
            return False
        if self._is_full(line):
            line.ending = "limit"
            return True

        slot = len(self._lines)
        with torch.no_grad():
            self._prefill(slot, line.prompt)
            self._buffers.set_state(slot, line.first_state)
        self._lines.append(line)
        return True

    def leave(self, line: BatchedLine[Prompt]) -> None:
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
            state, numbers = self._buffers.inputs(count, [line.next_draw for line in self._lines])
            with self._run_step(state, numbers, rows) as (state, logits):
                output = self._buffers.store(state, self._score(logits) if self._score else None)
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

    def _is_full(self, line: BatchedLine[Prompt]) -> bool:
        """Return whether a line has no place for a code; the last is for one code too many."""
        return line.place >= self._places - 1
