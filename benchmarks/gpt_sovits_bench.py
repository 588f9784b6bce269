"""The options, the run and the texts that all parts of the benchmark of GPT-SoVITS share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpt_sovits_models import (
    FULL_WIDTHS,
    SMALL_WIDTHS,
    ForcedLine,
    RandomVoice,
    Widths,
)
from benchmarks.step_floor import median_of_runs, timed
from realtime.configuration import load_settings
from realtime.engines.decoding.run_config import RunConfig, choose_run
from realtime.engines.gpt_sovits.networks.bert import Bert, BertShape
from realtime.engines.gpt_sovits.sentence import ReadSentence, SentenceReader
from realtime.settings import GptSovitsSettings, Settings


@dataclass(frozen=True)
class Text:
    """A text of so many characters, its forced codes, and the seconds that the guide promises."""

    text: str
    codes: int
    promised: tuple[float, float]


TEXTS = (
    Text("你好", 25, (4, 6)),
    Text("今天天气很好，我们一起去公园散步好不好呀", 120, (8, 12)),
    Text("昨天晚上下了一夜的雨，今天早上天晴了，我们沿着河边一直走到城外的小山上", 210, (12, 18)),
)
Rows = list[dict[str, Any]]


class Bench:
    """The options and the run, with a folder for vocoders."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.widths: Widths = SMALL_WIDTHS if options.small else FULL_WIDTHS
        self.texts: tuple[Text, ...] = TEXTS
        if options.small:
            self.texts = tuple(replace(text, codes=12 + text.codes // 10) for text in TEXTS)
        settings = load_settings()
        own = GptSovitsSettings(device=options.device, precision=options.precision)
        self.run = replace(choose_run(own), slots=1, batch_sizes=(1,))
        self.device = self.run.device
        vocoder = replace(settings.vocoder, plan=options.vocoder_plan, device=self.device)
        models = replace(settings.models, path=folder)
        self.settings: Settings = replace(settings, gpt_sovits=own, vocoder=vocoder, models=models)
        self._bert: Bert | None = None

    def voice(self, version: str, run: RunConfig | None = None) -> RandomVoice:
        return RandomVoice(version, run or self.run, self.settings, self.widths)

    @property
    def bert(self) -> Bert:
        """Make the network that reads Chinese when it is first asked for."""
        if self._bert is None:
            shape = BertShape(layers=1, inner=16, characters=100) if self.options.small else None
            network = Bert(shape or BertShape()).eval().requires_grad_(False)
            self._bert = network.to(self.device)
        return self._bert

    def read(self, text: str) -> ReadSentence:
        return SentenceReader().read([(text, "zh")])

    def features(self, sentence: ReadSentence) -> torch.Tensor:
        """Run BERT over a sentence; its characters are any, since the weights are random."""
        size = sum(len(part.word2ph) for part in sentence.parts) + 2
        with torch.inference_mode():
            self.bert(torch.ones(1, size, dtype=torch.long, device=self.device))
        return torch.randn(len(sentence.phones), 1024)

    def line(self, text: Text) -> ForcedLine:
        sentence = self.read(text.text)
        return ForcedLine(sentence.phones, torch.randn(len(sentence.phones), 1024), text.codes)

    def medians(self, work: Callable[[], dict[str, float]]) -> dict[str, float]:
        return median_of_runs(self.options.runs, work)

    def seconds(self, work: Callable[[], object]) -> float:
        """Return the median seconds of some work."""

        def once() -> dict[str, float]:
            taken: list[float] = []
            with timed(self.device, taken), torch.inference_mode():
                work()
            return {"taken": taken[0]}

        return self.medians(once)["taken"]
