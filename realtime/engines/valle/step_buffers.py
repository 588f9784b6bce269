"""Where each line stands, on the device between steps, and what goes there and comes from it.

It knows no line. Two sets of buffers take turns, so that a step is queued while the codes of the
one before it are still on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SETS = 2


class StepBuffers:
    """The states of all lines, of which a step takes the first; nothing is made anew for it."""

    def __init__(self, lines: int, device: torch.device) -> None:
        import torch

        def numbers(*shape: int, kind: torch.dtype = torch.long) -> list[Tensor]:
            pinned = device.type == "cuda"
            return [torch.zeros(shape, dtype=kind, pin_memory=pinned) for _ in range(SETS)]

        self._device = device
        self._state = torch.zeros(lines, 3, dtype=torch.long, device=device)
        self._draws = torch.zeros(lines, dtype=torch.long, device=device)
        self._sent = numbers(lines)
        self._states = numbers(lines, 3)
        self._chances = numbers(lines, kind=torch.float32)
        self._turn = 0

    def put(self, line: int, row: Sequence[int]) -> None:
        """Where a line begins."""
        import torch

        self._state[line] = torch.tensor(row)

    def move(self, source: int, target: int) -> None:
        self._state[target] = self._state[source]

    def given(self, count: int, draws: Sequence[int]) -> tuple[Tensor, Tensor]:
        """What a step of so many lines is given; those without a random number are nobody's."""

        self._turn = (self._turn + 1) % SETS
        sent = self._sent[self._turn][:count].zero_()
        sent.numpy()[: len(draws)] = draws
        self._draws[:count].copy_(sent, non_blocking=True)
        return self._state[:count], self._draws[:count]

    def keep(self, state: Tensor, logits: Tensor | None) -> StepOutput:
        """What a step gave becomes where the lines stand, and is on its way to the host."""
        import torch

        count = len(state)
        self._state[:count].copy_(state)
        states, chances = self._states[self._turn][:count], None
        states.copy_(state, non_blocking=True)
        if logits is not None:
            chances = self._chances[self._turn][:count]
            # What no code may be has no chance that could be looked up.
            codes = state[:, :1].clamp(max=logits.shape[1] - 1)
            found = logits.log_softmax(-1).gather(1, codes)[:, 0]
            chances.copy_(found, non_blocking=True)
        if self._device.type != "cuda":
            return StepOutput(states, chances)
        done: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))
        return StepOutput(states, chances, done.synchronize)


class StepOutput:
    """What a step gave each line, to be read once and before the step after the next is queued."""

    def __init__(
        self,
        states: Tensor,
        chances: Tensor | None,
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._states, self._chances, self._wait = states, chances, wait

    def read(self) -> tuple[list[int], list[float]]:
        """Codes and, where they are compared, the logarithms of their chances."""
        self._wait()
        chances: list[float] = [] if self._chances is None else self._chances.tolist()
        return self._states[:, 0].tolist(), chances
