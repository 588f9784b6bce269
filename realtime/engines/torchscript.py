"""A converter that people bring: any TorchScript or exported program from samples to samples.

A model that takes blocks gets each block with the sound before it. When a model is not causal, its
pieces overlap and are joined where they agree.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from realtime import blocks
from realtime.audio.crossfade import Joiner
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.torchscript_file import ModelCard, ModelFile, find_models, sample_inputs
from realtime.engines.valle.cuda_driver import has_usable_gpu
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, Busy, SynthesisFailed, WeightsMissing, shortlist
from realtime.settings import Settings
from realtime.weights import WeightFile

logger = logging.getLogger(__name__)

JOIN_SECONDS = 0.02  # of overlap: half to look for the place to join, half to fade


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
        return self._chosen(change.model).plan

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        model = self._chosen(change.model)
        window = ModelWindow(model) if not model.plan.whole else None
        for block in blocks:
            cancel.check()
            yield model.convert(block) if window is None else window.feed(block)

    def _chosen(self, name: str) -> TorchScriptModel:
        if name in self._models:
            return self._models[name]
        if not name and len(self._models) == 1:
            return next(iter(self._models.values()))
        there = shortlist(self._models) or "none"
        fault = f"There is no model {name!r}" if name else "The model must be named"
        raise BadRequest(f"{fault}; there are: {there}.", code="unknown_model", field="model")


class TorchScriptModel:
    """A loaded program with its card."""

    def __init__(self, file: ModelFile) -> None:
        import torch

        self.card = file.card
        self.name = file.name
        self.plan = _plan(file.card, _join_samples(file.card))
        self._torch: Any = torch
        self._device = self._choose_device()
        self._program = self._load(file)
        logger.info("model %s runs on %s", file.name, self._device)

    @property
    def on_cuda(self) -> bool:
        return self._device == "cuda"

    def run(self, sounds: Any) -> Any:
        """Run the program on (batch, samples) and return (batch, samples) on the CPU."""
        torch, card = self._torch, self.card
        try:
            with torch.inference_mode(), torch.autocast(self._device, enabled=card.autocast):
                inputs = torch.as_tensor(sounds, dtype=torch.float32).to(self._device)
                output = self._program(_in_layout(inputs, card.layout))
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise Busy(
                f"The model {self.name!r} needs more memory than the device has free now.",
                code="out_of_memory",
                hint="Try again, with less at once, or say device: cpu in its model.yaml.",
                retry_after=5,
            ) from error
        return self._samples_of(output, len(sounds))

    def convert(self, block: Samples) -> Samples:
        """Convert a block; the output lasts exactly as long."""
        count = block.size * self.card.output_rate // self.card.input_rate
        return _clean_samples(self.run(block[None])[0], count)

    def _samples_of(self, output: Any, batch: int) -> Any:
        """Take the sound out of the program's output, as (batch, samples)."""
        if isinstance(output, tuple | list) and output:
            output = output[0]  # models may give more beside the sound
        if not isinstance(output, self._torch.Tensor) or output.numel() % batch:
            raise SynthesisFailed(
                f"The model {self.name!r} gave no sound for the sound it got.",
                code="bad_model",
                hint="It must give a tensor of samples; its model.yaml says how they lie.",
            )
        if self.card.layout == "batch_channel_time" and output.dim() == 3:
            output = output.mean(1)
        elif self.card.layout == "batch_time_channel" and output.dim() == 3:
            output = output.mean(2)
        return output.float().reshape(batch, -1).cpu().numpy()

    def _choose_device(self) -> str:
        cuda = self._torch.cuda.is_available()
        if self.card.device == "cuda" and not cuda:
            logger.warning("model %s asks for CUDA, which is not there: it runs on CPU", self.name)
        if cuda and self.card.device != "cpu":
            self._torch.backends.cudnn.benchmark = True
            return "cuda"
        return "cpu"

    def _load(self, file: ModelFile) -> Any:
        with warnings.catch_warnings():
            # torch warns that TorchScript is old and about buffers of its own: the person who
            # brings a model can do nothing about either.
            warnings.simplefilter("ignore")
            try:
                return self._read(file)
            except self._torch.OutOfMemoryError:
                logger.warning("model %s does not fit on the GPU: it runs on the CPU", self.name)
                self._device = "cpu"
                self._torch.cuda.empty_cache()
                return self._read(file)

    def _read(self, file: ModelFile) -> Any:
        torch = self._torch
        try:
            if not file.exported:
                return torch.jit.load(str(file.path), map_location=self._device).eval()
            for data in sample_inputs(file.path):
                torch.load(io.BytesIO(data), weights_only=True)
            return torch.export.load(str(file.path)).module().to(self._device)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # torch raises many types for a broken file
            reason = str(error).strip().partition("\n")[0][:200]
            raise BadRequest(f"{file.path} cannot be loaded: {reason}", code="bad_model") from error


class ModelWindow:
    """A stream through a model that takes blocks."""

    def __init__(self, model: TorchScriptModel) -> None:
        card = self._card = model.card
        self._model = model
        self._late = model.plan.latency
        self._early = self._late * card.output_rate // card.input_rate
        self._past = np.zeros(card.context + self._late, np.float32)
        extra = _join_samples(card) * card.output_rate // card.input_rate
        self._joiner = None if card.causal else Joiner(extra // 2, extra - extra // 2)

    def feed(self, block: Samples) -> Samples:
        """Convert the next block; the output is late by the plan's latency."""
        size = self._card.block if self._card.fixed else block.size
        parts = [self._part(block[start : start + size]) for start in range(0, block.size, size)]
        sound = np.concatenate(parts)
        early = min(self._early, sound.size)
        sound[:early] = 0.0  # a model may hum before the first sound
        self._early -= early
        return sound

    def _part(self, block: Samples) -> Samples:
        window = np.concatenate([self._past, block])
        self._past = window[block.size :]
        ahead, extra, count = (
            part * self._card.output_rate // self._card.input_rate
            for part in (self._card.ahead, self._late - self._card.ahead, block.size)
        )
        if window.any():
            output = self._model.convert(window)
        else:
            output = np.zeros(extra + count + ahead, np.float32)  # silence costs no run
        piece = output[output.size - ahead - extra - count : output.size - ahead]
        return piece.copy() if self._joiner is None else self._joiner.join(piece)


def _join_samples(card: ModelCard) -> int:
    """Count the samples by which pieces overlap to be joined: whole units, about 20 ms."""
    if card.causal or not card.block:
        return 0
    return -(-round(JOIN_SECONDS * card.input_rate) // card.unit) * card.unit


def _plan(card: ModelCard, join: int) -> ConversionPlan:
    rates = (card.input_rate, card.output_rate)
    if not card.block:
        return ConversionPlan(*rates, step=card.unit, block=card.unit, whole=True)
    late = card.ahead + join
    context = -(-(card.context + late) // card.block) * card.block
    return ConversionPlan(*rates, step=card.block, block=card.block, latency=late, context=context)


def _in_layout(sounds: Any, layout: str) -> Any:
    if layout == "time":
        return sounds[0]
    if layout == "batch_channel_time":
        return sounds[:, None, :]
    return sounds[:, :, None] if layout == "batch_time_channel" else sounds


def _clean_samples(sound: Any, count: int) -> Samples:
    """Give exactly `count` samples, finite and in [-1, 1]: models may give a few more or less."""
    clean = np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    fitted: Samples = np.zeros(count, np.float32)
    fitted[: min(count, clean.size)] = clean[:count]
    return fitted
