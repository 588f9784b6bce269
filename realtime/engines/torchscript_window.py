"""Windows of sound for a model that takes blocks: each block with the sound before and after it.

When a model is not causal, its pieces overlap and are joined where they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np

from realtime.audio.crossfade import Joiner
from realtime.engines.contract import ConversionPlan, Samples
from realtime.engines.torchscript_file import ModelCard

JOIN_SECONDS = 0.02  # of overlap: half to look for the place to join, half to fade

Outcome = Samples | Exception  # of one sound; the sounds beside it have their own


class ModelWindow:
    """A stream through a model that takes blocks."""

    def __init__(self, card: ModelCard) -> None:
        join = _join_samples(card)
        late = card.ahead + join
        self._card = card
        self._late = late
        self._early = self._at_output(late)
        self._past = np.zeros(card.context + late, np.float32)
        extra = self._at_output(join)
        self._joiner = None if card.causal else Joiner(extra // 2, extra - extra // 2)

    def steps(self, block: Samples) -> Generator[Samples, Samples, Samples]:
        """Yield each window that the model is to convert; return the block's sound.

        It is sent each window as converted. The sound is late by the plan's latency.
        """
        size = self._card.block if self._card.fixed else block.size
        parts = []
        for start in range(0, block.size, size):
            part = block[start : start + size]
            window = np.concatenate([self._past, part])
            self._past = window[part.size :]
            if window.any():
                output = yield window
            else:  # silence costs no run
                output = np.zeros(self._at_output(window.size), np.float32)
            parts.append(self._piece(output, part.size))
        sound = np.concatenate(parts)
        early = min(self._early, sound.size)
        sound[:early] = 0.0  # a model may hum before the first sound
        self._early -= early
        return sound

    def _piece(self, output: Samples, size: int) -> Samples:
        ahead, extra, count = map(
            self._at_output, (self._card.ahead, self._late - self._card.ahead, size)
        )
        piece = output[output.size - ahead - extra - count : output.size - ahead]
        return piece.copy() if self._joiner is None else self._joiner.join(piece)

    def _at_output(self, count: int) -> int:
        """Return how many output samples last as long as some input samples."""
        return count * self._card.output_rate // self._card.input_rate


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
