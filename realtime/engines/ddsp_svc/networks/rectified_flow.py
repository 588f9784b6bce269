"""Rectified flow: a rough mel and noise become a finer mel in a few steps.

The noise comes from outside, so that a stream is the same however it is cut.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

LOWEST, HIGHEST = -12.0, 2.0  # of a log mel, which becomes -1 to 1
TIMES = 1000.0  # the network counts time in thousandths
EULER, RK4 = "euler", "rk4"
METHODS = (EULER, RK4)

Velocity = Callable[[Tensor, Tensor, Tensor], Tensor]


def normalised(mel: Tensor) -> Tensor:
    return (mel - LOWEST) / (HIGHEST - LOWEST) * 2.0 - 1.0


def refine_mel(
    velocity: Velocity,
    mel: Tensor,
    noise: Tensor,
    *,
    start: float,
    steps: int,
    method: str = EULER,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Return a mel (batch, mels, frames) for a rough one and noise of that shape.

    `start` is the time at which the flow begins; at 1 the mel stays. `check` is called before each
    step, and may raise to end the work there.
    """
    if start >= 1.0:
        return mel
    x = start * normalised(mel) + (1.0 - start) * noise
    width = (1.0 - start) / steps

    def move(x: Tensor, time: float) -> Tensor:
        return velocity(x, mel.new_full((len(mel),), TIMES * time), mel)

    for step in range(steps):
        check()
        time = start + step * width
        if method == EULER:
            x = x + move(x, time) * width
            continue
        first = move(x, time)
        second = move(x + first * (width / 2), time + width / 2)
        third = move(x + second * (width / 2), time + width / 2)
        fourth = move(x + third * width, time + width)
        x = x + (first + 2.0 * second + 2.0 * third + fourth) * (width / 6)
    return (x + 1.0) / 2.0 * (HIGHEST - LOWEST) + LOWEST
