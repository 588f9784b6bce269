"""Windows of sound for a model that takes blocks: each block with the sound before and after it.

When a model is not causal, its pieces overlap and are joined where they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from realtime.engines.contract import ConversionPlan, Samples
from realtime.engines.sliding_window import SlidingWindow, SoundWindow, WindowShape
from realtime.engines.torchscript_file import ModelCard

JOIN_SECONDS = 0.02  # of overlap: half to look for the place to join, half to fade

Outcome = Samples | Exception  # of one sound; the sounds beside it have their own


class ModelWindow:
    """A stream through a model that takes blocks."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._shape = _window_shape(card)
        self._windows = SlidingWindow(self._shape)

    def steps(self, block: Samples) -> Generator[Samples, Samples, Samples]:
        """Yield each window that the model is to convert; return the block's sound.

        It is sent each window as converted. The sound is late by the plan's latency.
        """
        size = self._card.block if self._card.fixed else block.size
        parts = []
        for start in range(0, block.size, size):
            window = self._windows.window(block[start : start + size])
            if window.is_silent:  # it costs no run
                piece = self._windows.silence(window)
            else:
                output = yield window.sound
                piece = self._piece(output, window)
            parts.append(self._windows.join(piece))
        return np.concatenate(parts)

    def _piece(self, output: Samples, window: SoundWindow) -> Samples:
        """Return the wanted piece, counted from the end: a model may leave out the beginning."""
        after, count = map(
            self._shape.at_output, (window.sound.size - window.stop, window.stop - window.start)
        )
        end = output.size - after
        return output[end - count : end]


def _window_shape(card: ModelCard) -> WindowShape:
    shape = WindowShape(
        card.input_rate, card.output_rate, card.context, card.ahead, _join_samples(card)
    )
    extra = shape.at_output(shape.join)
    return replace(shape, search=extra - extra // 2)


def feed_windows(
    windows: Sequence[ModelWindow],
    blocks: Sequence[Samples | None],
    convert: Callable[[Sequence[Samples]], list[Outcome]],
) -> list[Outcome | None]:
    """Return the sound of each window's next block; None for a window that has no block."""
    steps = [
        None if block is None else window.steps(block)
        for window, block in zip(windows, blocks, strict=True)
    ]
    outcomes: list[Outcome | None] = [None] * len(steps)
    given: dict[int, Outcome | None] = dict.fromkeys(range(len(steps)))
    while given:
        wanted: dict[int, Samples] = {}
        for place, sound in given.items():
            step = steps[place]
            if isinstance(sound, Exception):
                outcomes[place] = sound
            elif step is not None:
                try:
                    wanted[place] = step.send(sound)  # type: ignore[arg-type]  # None begins it
                except StopIteration as end:
                    outcomes[place] = end.value
        given = dict(zip(wanted, convert(list(wanted.values())), strict=True)) if wanted else {}
    return outcomes


def plan_of(card: ModelCard) -> ConversionPlan:
    """Return the plan of a card whose rates are known."""
    rates = (card.input_rate, card.output_rate)
    if not card.block:
        return ConversionPlan(*rates, step=card.unit, block=card.unit, whole=True)
    late = card.ahead + _join_samples(card)
    context = -(-(card.context + late) // card.block) * card.block
    return ConversionPlan(*rates, step=card.block, block=card.block, latency=late, context=context)


def _join_samples(card: ModelCard) -> int:
    """Count the samples by which pieces overlap to be joined: whole units, about 20 ms."""
    if card.causal or not card.block:
        return 0
    return -(-round(JOIN_SECONDS * card.input_rate) // card.unit) * card.unit
