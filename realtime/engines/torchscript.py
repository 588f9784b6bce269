"""A converter that people bring: any TorchScript or exported program from samples to samples.

A model that takes blocks gets each block with the sound before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from realtime import blocks
from realtime.acceleration import cuda_driver
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.placeable import CPU, device_of_load, usable_device
from realtime.engines.several_models import id_of, unknown_model
from realtime.engines.torchscript_file import find_file, find_names, read_model
from realtime.engines.torchscript_model import TorchScriptModel
from realtime.engines.torchscript_window import ModelWindow, Outcome, feed_windows
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, WeightsMissing
from realtime.settings import Settings
from realtime.weights import WeightFile


class TorchScript:
    """The engine of one model in `models/torchscript`, or of none."""

    name = "torchscript"
    version = "1"
    block = blocks.TORCH
    may_use_cuda = True  # wherever it is placed

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        self._folder = settings.models.path / self.name
        self._placed = ""
        self._loaded: TorchScriptModel | None = None

    def find_models(self) -> list[str]:
        return find_names(self._folder)

    def has_model(self, model: str) -> bool:
        return model in self.find_models()

    def with_model(self, model: str) -> TorchScript:
        return TorchScript(self._settings, model)

    def files_of(self, model: str) -> str | None:
        return f"model.pt or model.pt2 in {self._folder / model}"

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Return the file of its model; any name of a model will do, so without one there is none.

        `load` says then what is missing.
        """
        if not self.model:
            return ()
        file = find_file(self._folder / self.model)
        name = "model.pt" if file is None else file.name
        return (WeightFile(self.name, f"{self.model}/{name}"),)

    def load(self) -> None:
        self.check_files()
        file = read_model(self._folder / self.model)
        self._loaded = TorchScriptModel(file, self.runs_on())

    def check_files(self) -> None:
        if not self.model and (there := self.find_models()):
            raise unknown_model(self.name, "", there)
        read_model(self._folder / (self.model or "NAME"))

    def unload(self) -> None:
        self._loaded, self._placed = None, ""

    def wanted_device(self) -> str:
        """Return what `models.devices` or the model's card says; without a GPU the processor."""
        return usable_device(self._settings, id_of(self), self._device_of_card())

    def place(self, device: str) -> None:
        self._placed = device

    def runs_on(self) -> str:
        """Return the device where the model runs, or would."""
        if self._loaded is not None:
            return self._loaded.device
        return device_of_load(self._placed or self.wanted_device())

    def _device_of_card(self) -> str:
        if not self.model or not cuda_driver.has_usable_gpu():
            return CPU
        try:
            return read_model(self._folder / self.model).card.device
        except (BadRequest, WeightsMissing):
            return CPU  # it is not there any more, or loading will say what is wrong

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return self._at_rate_of(change).plan

    def most_together(self, change: VoiceChange) -> int:
        return self._at_rate_of(change).card.batch

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
        model = self._at_rate_of(change)
        windows: list[ModelWindow] = []
        for asked in rounds:
            cancel.check()
            if model.plan.whole:
                yield _convert_whole(model, asked)
                continue
            windows = windows or [ModelWindow(model.card) for _ in asked]
            yield feed_windows(windows, asked, model.convert)

    def _at_rate_of(self, change: VoiceChange) -> TorchScriptModel:
        """Return the model for sound at the rate at which it comes."""
        assert self._loaded is not None, "only a loaded model is used"
        return self._loaded.at_rate(change.source_rate)


def _convert_whole(
    model: TorchScriptModel, blocks: Sequence[Samples | None]
) -> list[Outcome | None]:
    there = [place for place, block in enumerate(blocks) if block is not None]
    converted = model.convert([block for block in blocks if block is not None])
    outcomes: list[Outcome | None] = [None] * len(blocks)
    for place, outcome in zip(there, converted, strict=True):
        outcomes[place] = outcome
    return outcomes
