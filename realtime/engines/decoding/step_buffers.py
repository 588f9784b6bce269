"""Buffers of a step: the lines' states on the device, and what is sent there and comes back.

Two sets of host buffers alternate, so that a step is queued while the codes of the one before it
are still on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SETS = 2


class StepBuffers:
    """The states of all lines, of which a step takes the first; no step allocates."""

    def __init__(self, lines: int, device: torch.device, draw_width: int = 0) -> None:
        import torch

        def host_buffers(*shape: int, dtype: torch.dtype = torch.long) -> list[Tensor]:
            # Only a copy between the device and pinned memory does not block the host.
            pinned = device.type == "cuda"
            return [torch.zeros(shape, dtype=dtype, pin_memory=pinned) for _ in range(SETS)]

        self._device = device
        self._state = torch.zeros(lines, 3, dtype=torch.long, device=device)
        draws = (lines, draw_width) if draw_width else (lines,)
        kind = torch.float32 if draw_width else torch.long
        self._random_numbers = torch.zeros(draws, dtype=kind, device=device)
        self._sent_numbers = host_buffers(*draws, dtype=kind)
        self._read_states = host_buffers(lines, 3)
        self._read_chances = host_buffers(lines, dtype=torch.float32)
        self._set = 0

    def set_state(self, line: int, state: Sequence[int]) -> None:
        """Write the state with which a line begins: last code, its position, its place."""
        import torch

        self._state[line] = torch.tensor(state)

    def move_state(self, source: int, target: int) -> None:
        self._state[target] = self._state[source]

    def inputs(self, count: int, draws: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """Return the states and random numbers of a step of so many lines.

        A step may have more lines than draws; the rest are padding and get 0.
        """
        self._set = (self._set + 1) % SETS
        sent = self._sent_numbers[self._set][:count].zero_()
        rows = sent.numpy()
        for line, draw in enumerate(draws):
            rows[line] = draw
        self._random_numbers[:count].copy_(sent, non_blocking=True)
        return self._state[:count], self._random_numbers[:count]

    def store(self, state: Tensor, logits: Tensor | None) -> StepOutput:
        """Keep a step's new states on the device, and start their copy to the host.

        With logits, the logarithm of each chosen code's chance is copied too.
        """
        import torch

        count = len(state)
        self._state[:count].copy_(state)
        states, chances = self._read_states[self._set][:count], None
        states.copy_(state, non_blocking=True)
        if logits is not None:
            chances = self._read_chances[self._set][:count]
            # An invalid code is beyond the logits: its line ends, and its chance is never used.
            codes = state[:, :1].clamp(max=logits.shape[1] - 1)
            chosen = logits.log_softmax(-1).gather(1, codes)[:, 0]
            chances.copy_(chosen, non_blocking=True)
        if self._device.type != "cuda":
            return StepOutput(states, chances)
        done: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))
        return StepOutput(states, chances, done.synchronize)


class StepOutput:
    """The codes of one step, to be read once, before the step after the next is queued.

    Its buffers are then written again.
    """

    def __init__(
        self,
        states: Tensor,
        chances: Tensor | None,
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._states, self._chances, self._wait = states, chances, wait

    def read(self) -> tuple[list[int], list[float]]:
        """Wait for the step; return its codes and, where lines are compared, their log chances."""
        self._wait()
        chances: list[float] = [] if self._chances is None else self._chances.tolist()
        return self._states[:, 0].tolist(), chances
