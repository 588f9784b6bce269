"""Speaking of one piece of text: first the first level of codes, then the other seven, then sound.

A piece is made in turns; between two turns another line's piece may use the same model.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from realtime.audio.samples import Samples
from realtime.engines.decoding.line import BatchedLine
from realtime.engines.decoding.turn import Turn
from realtime.engines.valle import budget
from realtime.engines.valle.codes import LEVELS, Codes
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.prompt import LinePrompt
from realtime.engines.valle.random_numbers import draw_numbers
from realtime.engines.valle.text import Encoded
from realtime.errors import SynthesisFailed
from realtime.settings import ValleSamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

ATTEMPTS = 4  # seeds that are tried while a line ends at once


@dataclass(frozen=True)
class VoiceExample:
    """Speech that the model continues: codes (T, 8), and the text that they say."""

    codes: Codes
    text: Encoded


class PieceSpeaker:
    """A maker of codes and sound with one model; the state of a piece is in its generator only."""

    def __init__(self, model: ValleModel, sampling: ValleSamplingSettings) -> None:
        self._model = model
        self._sampling = sampling

    def make_codes(
        self, text: Encoded, example: VoiceExample, seed: int, turn: Turn
    ) -> Generator[Tensor | None, None, None]:
        """Yield None at the end of every turn, and last the codes (T, 8) on the model's device."""
        turn.begin()
        for attempt in range(ATTEMPTS):
            first = yield from self._first_level(text, example, seed, attempt, turn)
            if first:
                yield (yield from self._all_levels(text, example, first, turn))
                return
        raise SynthesisFailed(
            f"VALL-E X spoke nothing with any of {ATTEMPTS} seeds.",
            code="nothing_said",
            hint="Another seed, another text or another prompt may help.",
        )

    def make_sound(self, codes: Tensor) -> Samples:
        """Return 320 samples for each frame of codes, in [-1, 1]."""
        samples: Samples = self._model.make_sound(codes).float().cpu().numpy()
        return np.clip(samples, -1.0, 1.0)

    def _first_level(
        self, text: Encoded, example: VoiceExample, seed: int, attempt: int, turn: Turn
    ) -> Generator[None, None, list[int]]:
        """Make the first level, `best_of` lines side by side; return the likeliest, [] when none.

        Lines for which no slot is free wait for one.
        """
        batch = self._model.batch
        count = self._sampling.best_of
        lines = [
            self._make_line(text, example, seed, attempt * count + variant, turn)
            for variant in range(count)
        ]
        waiting = list(lines)
        try:
            while any(line.ending is None for line in lines):
                turn.check()
                with self._model.interrupted_by(turn.check):
                    while waiting and batch.enter(waiting[0]):
                        del waiting[0]
                batch.advance()
                if turn.is_over:
                    yield
                    turn.begin()
        finally:
            for line in lines:
                batch.leave(line)
        turn.check()
        if any(line.ending == "invalid" for line in lines):
            raise _invalid_numbers()
        good = [line for line in lines if line.codes and line.ending != "repetition"]
        return max(good, key=_score).codes if good else []

    def _make_line(
        self, text: Encoded, example: VoiceExample, seed: int, attempt: int, turn: Turn
    ) -> BatchedLine[LinePrompt]:
        most = budget.most_frames(len(text.ids), len(example.text.ids), len(example.codes))
        ids = (*example.text.ids, *text.ids)
        languages = (*example.text.languages, *text.languages)
        prompt = LinePrompt(ids, languages, example.codes[:, 0].tolist())
        return prompt.make_line(
            most,
            draw_numbers(seed, text.ids, attempt, most).__getitem__,
            repetition_guard=self._sampling.repetition_guard,
            is_abandoned=turn.is_abandoned,
        )

    def _all_levels(
        self, text: Encoded, example: VoiceExample, first: list[int], turn: Turn
    ) -> Generator[None, None, Tensor]:
        """Make the other seven levels of a piece; return all eight."""
        import torch

        inputs = self._model.parallel_inputs
        device = inputs.positions.device

        def tensor(numbers: object) -> Tensor:
            return torch.as_tensor(numbers, dtype=torch.long, device=device)

        with torch.no_grad():
            x = inputs(
                tensor((*example.text.ids, *text.ids)),
                tensor((*example.text.languages, *text.languages)),
                tensor(example.codes.copy()),
                tensor(first),
            )
            levels = [tensor(first)]
        for stage in range(LEVELS - 1):
            turn.check()
            with torch.no_grad(), self._model.interrupted_by(turn.check):
                levels.append(self._model.refine(x, stage)[len(x) - len(first) :])
                inputs.add(x, stage + 1, levels[-1])
            if turn.is_over:
                yield
                turn.begin()
        codes = torch.stack(levels, dim=1)
        # Looked at only here: each look would wait for the device.
        if int(codes.min()) < 0:
            raise _invalid_numbers()
        return codes


def _invalid_numbers() -> SynthesisFailed:
    return SynthesisFailed(
        "VALL-E X produced NaN; this piece could not be spoken.",
        hint="If it happens again, valle.precision: fp32 may help, or the weights are damaged.",
    )


def _score(line: BatchedLine[LinePrompt]) -> float:
    """Return a line's mean log likelihood, as the published model divides it.

    It divides by everything that the model went on from: the beginning, the prompt and the codes.
    """
    return line.likelihood / (1 + len(line.prompt.codes) + len(line.codes))
