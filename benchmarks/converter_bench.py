"""The options, the voices and the way of measuring that all parts of the benchmark share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.converter_models import DDSP, BroughtVoice, bring_voices, settings_for
from benchmarks.gauge import medians_in_turns
from realtime.audio.samples import Samples
from realtime.engines.ddsp_svc.engine import DdspSvc
from realtime.engines.rvc.engine import Rvc

Rows = list[dict[str, Any]]
ConverterEngine = Rvc | DdspSvc
PITCH = 150.0  # Hz, of the sound that is converted
HARMONICS = 40
SMALL_VECTORS = 100  # of an index in a quick trial


class ConverterBench:
    """The options, and a folder with the voices that they name."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.models = folder / "models"
        self.vectors = SMALL_VECTORS if options.small else options.index
        self.voices = bring_voices(
            self.models, options.voices, small=options.small, vectors=self.vectors
        )
        self.settings = settings_for(self.models, options.device)
        self.device = self.engine(self.voices[0]).runs_on()

    def engine(self, voice: BroughtVoice) -> ConverterEngine:
        """Return the engine of a voice, not loaded."""
        kind = DdspSvc if voice.engine == DDSP else Rvc
        return kind(self.settings, voice.name)

    def in_turns(self, works: Sequence[Callable[[], object]]) -> list[list[float]]:
        """Measure the median seconds of each work, on each number of threads; all take turns."""
        asked = [partial(_on_threads, count, work) for work in works for count in self.threads]
        for work in asked:  # what is prepared once is not counted
            work()
        taken = medians_in_turns(asked, self.device, self.options.runs, "wall")
        each = len(self.threads)
        return [taken[first : first + each] for first in range(0, len(taken), each)]

    @property
    def threads(self) -> list[int]:
        """Return the numbers of threads; of no meaning on a GPU, where one is enough."""
        return self.options.threads if self.device == "cpu" else [1]

    def columns(self, unit: str, figures: Sequence[float], digits: int = 3) -> dict[str, float]:
        """Name the figures that belong to the numbers of threads."""
        named = zip(self.threads, figures, strict=True)
        return {f"{count} thr: {unit}": round(figure, digits) for count, figure in named}


def sung_vowel(seconds: float, rate: int) -> Samples:
    """Make a vowel that glides a little, so that a pitch is found in it."""
    time = np.arange(round(seconds * rate)) / rate
    phase = np.cumsum(PITCH * 2 ** (0.1 * np.sin(2 * np.pi * time))) / rate
    sound = sum(np.sin(2 * np.pi * number * phase) / number for number in range(1, HARMONICS))
    return np.asarray(0.1 * sound, np.float32)


def _on_threads(count: int, work: Callable[[], object]) -> None:
    torch.set_num_threads(count)
    with torch.inference_mode():
        work()
