"""A program from samples to samples that people bring, loaded, with its card."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from realtime.acceleration.cuda_health import is_fatal
from realtime.acceleration.out_of_memory import is_out_of_memory
from realtime.engines.contract import Samples
from realtime.engines.placeable import kind_of
from realtime.engines.torchscript_file import ModelFile, sample_inputs
from realtime.engines.torchscript_window import Outcome, plan_of
from realtime.errors import BadRequest, Busy, SynthesisFailed

logger = logging.getLogger(__name__)

MOST_PADDED = 2  # times the samples of the sounds in a batch: more would be work for silence


class TorchScriptModel:
    """A loaded program with its card."""

    def __init__(self, file: ModelFile, device: str) -> None:
        """Load it on a device; one that asks for CUDA where there is none runs on the processor."""
        import torch

        self.card = file.card.at_rate(None)
        self._file_card = file.card
        self.name = file.name
        self.plan = plan_of(self.card)
        self._torch: Any = torch
        self._rate_argument: Callable[[int], Any] | None = None  # makes it of a rate in Hz
        self.device = self._usable(device)
        self._program = self._load(file)
        logger.info("model %s runs on %s", file.name, self.device)

    def at_rate(self, rate: int | None) -> TorchScriptModel:
        """Return the model for sound that comes at a rate: its card may ask for that rate."""
        if not self._file_card.own_rate or rate in (None, self.card.input_rate):
            return self
        model = copy.copy(self)  # of the loaded program there is one
        model.card = self._file_card.at_rate(rate)
        model.plan = plan_of(model.card)
        return model

    def run(self, sounds: Any) -> Any:
        """Run the program on (batch, samples) and return (batch, samples) on the CPU."""
        torch, card = self._torch, self.card
        rate = () if self._rate_argument is None else (self._rate_argument(card.input_rate),)
        try:
            with (
                torch.inference_mode(),
                torch.autocast(kind_of(self.device), enabled=card.autocast),
            ):
                inputs = torch.as_tensor(sounds, dtype=torch.float32).to(self.device)
                output = self._program(_in_layout(inputs, card.layout), *rate)
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise Busy(
                f"The model {self.name!r} needs more memory than the device has free now.",
                code="out_of_memory",
                hint="Try again, with less at once, or say device: cpu in its model.yaml.",
                retry_after=5,
            ) from error
        return self._samples_of(output, len(sounds))

    def convert(self, sounds: Sequence[Samples]) -> list[Outcome]:
        """Convert sounds, as many in one call as the card and their lengths allow.

        Each has its outcome: its sound, which lasts exactly as long, or the error of its own run.
        """
        outcomes: dict[int, Outcome] = {}
        for places in self._batches(sounds):
            converted = self._convert_batch([sounds[place] for place in places])
            outcomes |= zip(places, converted, strict=True)
        return [outcomes[place] for place in range(len(sounds))]

    def _batches(self, sounds: Sequence[Samples]) -> Iterator[list[int]]:
        """Yield the places of sounds that the program may get in one call.

        What follows a sound changes the output of a model that is not causal, so only sounds of one
        length come together there; a causal one gets shorter sounds with silence behind them.
        """
        batch: list[int] = []
        for place in sorted(range(len(sounds)), key=lambda place: sounds[place].size):
            size = sounds[place].size
            held = sum(sounds[other].size for other in batch) + size
            padded = size * (len(batch) + 1)
            alike = padded == held or (self.card.causal and padded <= MOST_PADDED * held)
            if batch and (len(batch) == self.card.batch or not alike):
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch

    def _convert_batch(self, sounds: Sequence[Samples]) -> list[Outcome]:
        longest = max(sound.size for sound in sounds)
        padded = np.zeros((len(sounds), longest), np.float32)
        for row, sound in zip(padded, sounds, strict=True):
            row[: sound.size] = sound
        try:
            rows = self.run(padded)
        except Exception as error:  # noqa: BLE001 -- programs that people bring raise any type
            if len(sounds) == 1:
                return [error]
            # The error may be that of one sound, and less memory may be enough for each alone.
            return [outcome for sound in sounds for outcome in self._convert_batch([sound])]
        rates = (self.card.output_rate, self.card.input_rate)
        return [
            _clean_samples(row, sound.size * rates[0] // rates[1])
            for row, sound in zip(rows, sounds, strict=True)
        ]

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

    def _usable(self, device: str) -> str:
        cuda = self._torch.cuda.is_available()
        if self.card.device == "cuda" and not cuda:
            logger.warning("model %s asks for CUDA, which is not there: it runs on CPU", self.name)
        if cuda and device != "cpu":
            self._torch.backends.cudnn.benchmark = True
            return device
        return "cpu"

    def _load(self, file: ModelFile) -> Any:
        with warnings.catch_warnings():
            # torch warns that TorchScript is old and about buffers of its own: the person who
            # brings a model can do nothing about either.
            warnings.simplefilter("ignore")
            return self._read(file)

    def _read(self, file: ModelFile) -> Any:
        torch = self._torch
        try:
            if not file.exported:
                program = torch.jit.load(str(file.path), map_location=self.device).eval()
                taken = [str(each.type) for each in program.forward.schema.arguments[2:]]
            else:
                for data in sample_inputs(file.path):
                    torch.load(io.BytesIO(data), weights_only=True)
                exported = torch.export.load(str(file.path))
                program = exported.module().to(self.device)
                # Of a value that the export has fixed the signature holds the value, not a name.
                inputs = exported.graph_signature.user_inputs[1:]
                taken = ["Tensor" if isinstance(each, str) else "constant" for each in inputs]
        except Exception as error:  # torch raises many types for a broken file
            if is_out_of_memory(error) or is_fatal(error):
                raise  # the file is right
            reason = str(error).strip().partition("\n")[0][:200]
            raise BadRequest(f"{file.path} cannot be loaded: {reason}", code="bad_model") from error
        if file.card.own_rate and taken:
            self._rate_argument = self._maker_of_rate(file, taken[0])
        return program

    def _maker_of_rate(self, file: ModelFile, kind: str) -> Callable[[int], Any]:
        makers: dict[str, Callable[[int], Any]] = {
            "int": int,
            "float": float,
            "Tensor": lambda rate: self._torch.tensor(rate, device=self.device),
        }
        if kind not in makers:
            raise BadRequest(
                f"{file.path} cannot be used: the rate is told as the second argument, which is "
                f"a {kind[:40]}; an int, a float or a tensor is expected.",
                code="bad_model",
            )
        return makers[kind]


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
