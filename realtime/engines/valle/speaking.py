"""A piece of text into codes: the first level step by step, beside others, then the other seven.

It knows no character and no sound. What it does it does in turns: between them whoever is more
pressing may go on with the same model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from realtime.engines.valle import budget
from realtime.engines.valle.batching import BatchedLine
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.random_numbers import draws
from realtime.engines.valle.text import Encoded
from realtime.errors import SynthesisFailed
from realtime.settings import ValleSamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

Codes = npt.NDArray[np.int64]
Samples = npt.NDArray[np.float32]

TURN_SECONDS = 0.02  # after which somebody else may go on
ATTEMPTS = 4  # seeds that are tried when nothing is said
LEVELS = budget.LEVELS


@dataclass(frozen=True)
class VoiceExample:
    """What the model goes on from: codes (T, 8), and the symbols they say."""

    codes: Codes
    said: Encoded


@dataclass
class Watch:
    """Who waits: `check` raises when nobody does any more, `left` says so."""

    check: Callable[[], None]
    left: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _began: float = field(default=0.0)

    def begin(self) -> None:
        self._began = self.clock()

    @property
    def over(self) -> bool:
        """Whether this turn has lasted long enough."""
        return self.clock() - self._began >= TURN_SECONDS


class Speaking:
    """Says pieces with one model; a stream's state is in its generator alone."""

    def __init__(self, model: ValleModel, sampling: ValleSamplingSettings) -> None:
        self._model = model
        self._sampling = sampling

    def say(
        self, words: Encoded, heard: VoiceExample, seed: int, watch: Watch
    ) -> Generator[Tensor | None, None, None]:
        """The codes (T, 8) of a piece, where they were made; before them nothing at each turn."""
        watch.begin()
        for attempt in range(ATTEMPTS):
            first = yield from self._first(words, heard, seed, attempt, watch)
            if first:
                yield (yield from self._others(words, heard, first, watch))
                return
        raise SynthesisFailed(
            f"The engine 'valle' said nothing, with {ATTEMPTS} seeds one after the other.",
            code="nothing_said",
            hint="Another seed, another text or another prompt may help.",
        )

    def sound(self, codes: Tensor) -> Samples:
        """320 samples for each frame of codes."""
        samples: Samples = self._model.sound(codes).float().cpu().numpy()
        return np.clip(samples, -1.0, 1.0)

    def _first(
        self, words: Encoded, heard: VoiceExample, seed: int, attempt: int, watch: Watch
    ) -> Generator[None, None, list[int]]:
        """The first level; the best of several when the settings say so, nothing when none is."""
        slots = self._model.slots
        count = self._sampling.best_of
        seats = [
            self._seat(words, heard, seed, attempt * count + variant, watch)
            for variant in range(count)
        ]
        waiting = list(seats)
        try:
            while any(seat.ending is None for seat in seats):
                watch.check()
                with self._model.interrupted_by(watch.check):
                    while waiting and slots.enter(waiting[0]):
                        del waiting[0]
                slots.advance()
                if watch.over:
                    yield
                    watch.begin()
        finally:
            for seat in seats:
                slots.leave(seat)
        watch.check()
        if any(seat.ending == "broken" for seat in seats):
            raise _broken()
        good = [seat for seat in seats if seat.codes and seat.ending != "stuck"]
        return max(good, key=_score).codes if good else []

    def _seat(
        self, words: Encoded, heard: VoiceExample, seed: int, attempt: int, watch: Watch
    ) -> BatchedLine:
        said = heard.said
        most = budget.most(len(words.ids), len(said.ids), len(heard.codes))
        return BatchedLine(
            ids=(*said.ids, *words.ids),
            languages=(*said.languages, *words.languages),
            heard=heard.codes[:, 0].tolist(),
            draws=draws(seed, words.ids, attempt, most),
            guard=self._sampling.repetition_guard,
            left=watch.left,
        )

    def _others(
        self, words: Encoded, heard: VoiceExample, first: list[int], watch: Watch
    ) -> Generator[None, None, Tensor]:
        """The other seven levels of a piece whose first is there."""
        import torch

        inputs = self._model.inputs
        device = inputs.waves.device

        def tensor(numbers: object) -> Tensor:
            return torch.as_tensor(numbers, dtype=torch.long, device=device)

        with torch.no_grad():
            x = inputs(
                tensor((*heard.said.ids, *words.ids)),
                tensor((*heard.said.languages, *words.languages)),
                tensor(heard.codes.copy()),
                tensor(first),
            )
            levels = [tensor(first)]
        for stage in range(LEVELS - 1):
            watch.check()
            with torch.no_grad(), self._model.interrupted_by(watch.check):
                levels.append(self._model.refine(x, stage)[len(x) - len(first) :])
                inputs.add(x, stage + 1, levels[-1])
            if watch.over:
                yield
                watch.begin()
        codes = torch.stack(levels, dim=1)
        if int(codes.min()) < 0:
            raise _broken()
        return codes


def _broken() -> SynthesisFailed:
    return SynthesisFailed(
        "The engine 'valle' reckoned with what is no number, and this piece is lost.",
        hint="If it happens again, valle.precision: fp32 may help, or the weights are damaged.",
    )


def _score(seat: BatchedLine) -> float:
    """How likely what was said is, for each code that the model went on from, as published."""
    return seat.likelihood / (1 + len(seat.heard) + len(seat.codes))
