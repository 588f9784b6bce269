"""A converter that people bring: any TorchScript or exported program from samples to samples.

A model that takes blocks gets each block with the sound before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from realtime import blocks
from realtime.acceleration.cuda_driver import has_usable_gpu
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.torchscript_file import find_models
from realtime.engines.torchscript_model import TorchScriptModel
from realtime.engines.torchscript_window import ModelWindow, Outcome, feed_windows
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, WeightsMissing, shortlist
from realtime.settings import Settings
from realtime.weights import WeightFile


class TorchScript:
    """The engine of all models in `models/torchscript`; a change names one of several."""

    name = "torchscript"
    version = "1"
    block = blocks.TORCH
    weights: tuple[WeightFile, ...] = ()  # any file name will do; `load` says what is missing
    may_use_cuda = True  # each model's card decides, when it is loaded

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.models.path / self.name
        self._models: dict[str, TorchScriptModel] = {}

    def load(self) -> None:
        files = find_models(self._folder)
        self._models = {file.name: TorchScriptModel(file) for file in files}

    def check_files(self) -> None:
        find_models(self._folder)

    def unload(self) -> None:
        self._models = {}

    def runs_on(self) -> str:
        """Return `cuda:0` when one of the models runs there, or would."""
        if self._models:
            return "cuda:0" if any(each.on_cuda for each in self._models.values()) else "cpu"
        return "cuda:0" if has_usable_gpu() and self._asks_for_gpu() else "cpu"

    def _asks_for_gpu(self) -> bool:
        try:
            return any(file.card.device != "cpu" for file in find_models(self._folder))
        except (BadRequest, WeightsMissing):
            return False  # none is there, or loading will say what is wrong

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return self._chosen(change).plan

    def most_together(self, change: VoiceChange) -> int:
        return self._chosen(change).card.batch

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        for (sound,) in self.convert_together(([block] for block in blocks), change, cancel):
            if isinstance(sound, Exception):
                raise sound
            assert sound is not None, "each block has its sound"
            yield sound

    def convert_together(
        self,
        rounds: Iterator[Sequence[Samples | None]],
        change: VoiceChange,
        cancel: CancelToken,
    ) -> Iterator[Sequence[Outcome | None]]:
        model = self._chosen(change)
        windows: list[ModelWindow] = []
        for asked in rounds:
            cancel.check()
            if model.plan.whole:
                yield _convert_whole(model, asked)
                continue
            windows = windows or [ModelWindow(model.card) for _ in asked]
            yield feed_windows(windows, asked, model.convert)

    def _chosen(self, change: VoiceChange) -> TorchScriptModel:
        """Return the model that a change names, for sound at the rate at which it comes."""
        name = change.model
        if not name and len(self._models) == 1:
            name = next(iter(self._models))
        if name in self._models:
            return self._models[name].at_rate(change.source_rate)
        there = shortlist(self._models) or "none"
        fault = f"There is no model {name!r}" if name else "The model must be named"
        raise BadRequest(f"{fault}; there are: {there}.", code="unknown_model", field="model")


def _convert_whole(
    model: TorchScriptModel, blocks: Sequence[Samples | None]
) -> list[Outcome | None]:
    there = [place for place, block in enumerate(blocks) if block is not None]
    converted = model.convert([block for block in blocks if block is not None])
    outcomes: list[Outcome | None] = [None] * len(blocks)
    for place, outcome in zip(there, converted, strict=True):
        outcomes[place] = outcome
    return outcomes
