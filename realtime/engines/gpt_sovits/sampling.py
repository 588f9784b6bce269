"""The way in which the codes of a line are chosen."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_END = 11  # codes before which a line cannot end


@dataclass(frozen=True)
class Sampling:
    """The way a line's codes are chosen; top_k 1 takes the likeliest."""

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35

    def as_row(self) -> tuple[float, float, float, float]:
        return float(self.top_k), self.top_p, self.temperature, self.repetition_penalty
