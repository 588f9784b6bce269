"""A converter of one's own: any TorchScript or exported program from samples to samples.

A model that takes blocks is given them with what came before; one that is not causal also has its
pieces joined where they agree. The only place of conversion that imports torch, when it loads.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from realtime.audio.crossfade import Joiner
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.torchscript_file import ModelCard, ModelFile, found_in, sample_inputs
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, Busy, SynthesisFailed, shortlist
from realtime.settings import Settings
from realtime.weights import WeightFile

logger = logging.getLogger(__name__)

JOIN_SECONDS = 0.02  # half of it to look for the place, half to fade


class TorchScript:
    """The models of `models/torchscript`; a change names one, unless there is only one."""

    name = "torchscript"
    version = "1"
    weights: tuple[WeightFile, ...] = ()  # any name will do: `load` tells what is missing
    may_use_cuda = True  # each model's card decides, when it is loaded

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.models.path / self.name
        self._models: dict[str, TorchScriptModel] = {}

    def load(self) -> None:
        files = found_in(self._folder)
        self._models = {file.name: TorchScriptModel(file) for file in files}

    def unload(self) -> None:
        self._models = {}

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return self._chosen(change.model).plan

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        model = self._chosen(change.model)
        window = ModelWindow(model) if not model.plan.whole else None
        for block in blocks:
            cancel.check()
            yield model.fitted(block) if window is None else window.feed(block)

    def _chosen(self, name: str) -> TorchScriptModel:
        if name in self._models:
            return self._models[name]
        if not name and len(self._models) == 1:
            return next(iter(self._models.values()))
        there = shortlist(self._models) or "none"
        asked = f"There is no model {name!r}" if name else "The model must be named"
        raise BadRequest(f"{asked}; there are: {there}.", code="unknown_model", field="model")


class TorchScriptModel:
    """One loaded program with its card."""

    def __init__(self, file: ModelFile) -> None:
        import torch

        self.card = file.card
        self.name = file.name
        self.plan = _plan(file.card, _join(file.card))
        self._torch: Any = torch
        self._device = self._chosen_device()
        self._program = self._loaded(file)
        logger.info("model %s runs on %s", file.name, self._device)

    def run(self, sounds: Any) -> Any:
        """(batch, samples) in and out, as the program gives it, on its device or not."""
        torch, card = self._torch, self.card
        try:
            with torch.inference_mode(), torch.autocast(self._device, enabled=card.autocast):
                given = torch.as_tensor(sounds, dtype=torch.float32).to(self._device)
                made = self._program(_laid_out(given, card.layout))
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise Busy(
                f"The model {self.name!r} needs more memory than the device has free now.",
                code="out_of_memory",
                hint="Try again, with less at once, or say device: cpu in its model.yaml.",
                retry_after=5,
            ) from error
        return self._plain(made, len(sounds))

    def fitted(self, block: Samples) -> Samples:
        """A block's sound, as long as the block lasts."""
        return _fitted(self.run(block[None])[0], self._lasting(block.size))

    def _lasting(self, count: int) -> int:
        return count * self.card.output_rate // self.card.input_rate

    def _plain(self, made: Any, batch: int) -> Any:
        """The program's tensor as (batch, samples), whatever else lies around it."""
        made = made[0] if isinstance(made, tuple | list) and made else made
        if not isinstance(made, self._torch.Tensor) or made.numel() % batch:
            raise SynthesisFailed(
                f"The model {self.name!r} gave no sound for the sound it got.",
                code="bad_model",
                hint="It must give a tensor of samples; its model.yaml says how they lie.",
            )
        if self.card.layout == "batch_channel_time" and made.dim() == 3:
            made = made.mean(1)
        elif self.card.layout == "batch_time_channel" and made.dim() == 3:
            made = made.mean(2)
        return made.float().reshape(batch, -1).cpu().numpy()

    def _chosen_device(self) -> str:
        cuda = self._torch.cuda.is_available()
        if self.card.device == "cuda" and not cuda:
            logger.warning("model %s asks for CUDA, which is not there: it runs on CPU", self.name)
        if cuda and self.card.device != "cpu":
            self._torch.backends.cudnn.benchmark = True
            return "cuda"
        return "cpu"

    def _loaded(self, file: ModelFile) -> Any:
        with warnings.catch_warnings():
            # That torch would rather have people export, and what it thinks of its own buffers,
            # is no news for who brings a model.
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
        except Exception as error:  # whatever torch finds wrong in a file that somebody brought
            reason = str(error).strip().partition("\n")[0][:200]
            raise BadRequest(f"{file.path} cannot be loaded: {reason}", code="bad_model") from error


class ModelWindow:
    """One stream through a model that takes blocks."""

    def __init__(self, model: TorchScriptModel) -> None:
        card = self._card = model.card
        self._model = model
        self._late = model.plan.latency
        self._early = self._late * card.output_rate // card.input_rate
        self._heard = np.zeros(card.context + self._late, np.float32)
        extra = _join(card) * card.output_rate // card.input_rate
        self._joiner = None if card.causal else Joiner(extra // 2, extra - extra // 2)

    def feed(self, block: Samples) -> Samples:
        size = self._card.block if self._card.fixed else block.size
        parts = [self._part(block[start : start + size]) for start in range(0, block.size, size)]
        sound = np.concatenate(parts)
        early = min(self._early, sound.size)
        sound[:early] = 0.0  # a model may hum before anything is said
        self._early -= early
        return sound

    def _part(self, block: Samples) -> Samples:
        window = np.concatenate([self._heard, block])
        self._heard = window[block.size :]
        ahead, extra, count = (
            part * self._card.output_rate // self._card.input_rate
            for part in (self._card.ahead, self._late - self._card.ahead, block.size)
        )
        if window.any():
            made = self._model.fitted(window)
        else:
            made = np.zeros(extra + count + ahead, np.float32)  # silence costs nothing
        piece = made[made.size - ahead - extra - count : made.size - ahead]
        return piece.copy() if self._joiner is None else self._joiner.join(piece)


def _join(card: ModelCard) -> int:
    """How much more than a block a piece must be to be joined: whole units of about 20 ms."""
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


def _laid_out(sounds: Any, layout: str) -> Any:
    if layout == "time":
        return sounds[0]
    if layout == "batch_channel_time":
        return sounds[:, None, :]
    return sounds[:, :, None] if layout == "batch_time_channel" else sounds


def _fitted(sound: Any, count: int) -> Samples:
    """So many clean samples: a model may give a few more or less than it got."""
    clean = np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    fitted: Samples = np.zeros(count, np.float32)
    fitted[: min(count, clean.size)] = clean[:count]
    return fitted
