"""The way in which a sentence is said."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.engines.gpt_sovits.sampling import Sampling


@dataclass(frozen=True)
class Manner:
    """The choice of codes, and the way in which they become sound."""

    sampling: Sampling
    speed: float = 1.0
    seed: int = 0
    chunk: int = 0  # codes after which sound is made; 0: at the end of the sentence
    overlap: int = 2  # codes that neighbouring chunks share
    steps: int = 0  # of flow matching; 0: as many as suit the version
