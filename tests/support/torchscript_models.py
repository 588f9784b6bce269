"""Small real models, saved as people save theirs: a filter, a pitch shifter, and others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
import yaml

TAPS = 65
FRAME = 800
MOST_RATE = 200_000  # Hz at the full level


class Filter(torch.nn.Module):
    """A causal low-pass filter."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", torch.hann_window(TAPS)[None, None] / (TAPS / 2))

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(sound[:, None, :], (self.taps.shape[2] - 1, 0))
        return torch.nn.functional.conv1d(padded, self.taps)[:, 0]


class Shifter(torch.nn.Module):
    """A pitch shifter, up by a fifth: two readers go through the window faster and fade in turn."""

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        count = sound.shape[1]
        place = torch.arange(count, device=sound.device)
        made = torch.zeros_like(sound)
        for half in range(2):
            phase = (place + half * 400) % 800
            source = place - 0.5 * (800 - phase)
            below = torch.clamp(source.floor().long(), 0, count - 1)
            rise = torch.sin(phase / 800 * 3.14159265) ** 2
            made = made + sound[:, below] * rise
        return made


class Doubled(torch.nn.Module):
    """A model that doubles the rate, in the shape (batch, channel, time), and gives more beside."""

    def forward(self, sound: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.repeat_interleave(sound, 2, dim=2).expand(-1, 2, -1), sound.mean()


class Counting(torch.nn.Module):
    """A filter that notes the shape of each batch that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = Filter()
        self.rows = torch.jit.Attribute([], list[int])
        self.lengths = torch.jit.Attribute([], list[int])

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        self.rows.append(sound.shape[0])
        self.lengths.append(sound.shape[1])
        return self.filter(sound)


class Refusing(torch.nn.Module):
    """A filter that refuses every batch with a loud sound in it."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = Filter()

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        if float(sound.abs().max()) > 0.9:
            raise RuntimeError("too loud")
        return self.filter(sound)


class Humming(torch.nn.Module):
    """A model that is told the rate, notes it, and gives a tone of 440 Hz as long as the sound."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = torch.jit.Attribute([], list[int])

    def forward(self, sound: torch.Tensor, rate: int) -> torch.Tensor:
        self.rates.append(rate)
        phase = torch.arange(sound.shape[1], device=sound.device) * (880 * 3.14159265 / rate)
        return 0.5 * torch.sin(phase)[None].expand(sound.shape[0], -1)


class TellingRate(torch.nn.Module):
    """A model that is told the rate as a tensor, as an export has it, and gives it as the level."""

    def forward(self, sound: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(sound) + rate / MOST_RATE


class Telling(torch.nn.Module):
    """The same for TorchScript, which may tell it as a number."""

    def forward(self, sound: torch.Tensor, rate: float) -> torch.Tensor:
        return torch.zeros_like(sound) + rate / 200_000


class Words(torch.nn.Module):
    """A model whose output is no sound."""

    def forward(self, sound: torch.Tensor) -> list[str]:
        return ["no", "sound"]


def placed(folder: Path, name: str, ending: str, card: dict[str, Any]) -> Path:
    place = folder / "torchscript" / name
    place.mkdir(parents=True, exist_ok=True)
    if card:
        (place / "model.yaml").write_text(yaml.safe_dump(card))
    return place / f"model.{ending}"


def scripted(folder: Path, name: str, module: torch.nn.Module, **card: Any) -> Path:
    path = placed(folder, name, "pt", card)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return path


def exported(
    folder: Path, name: str, module: torch.nn.Module, length: int | None, **card: Any
) -> Path:
    """Export a model for one length, or for any."""
    path = placed(folder, name, "pt2", card)
    inputs: tuple[torch.Tensor, ...] = (torch.zeros(1, length or 1_600),)
    shapes: dict[str, Any] | None = (
        None if length else {"sound": {1: torch.export.Dim("time", min=128)}}
    )
    if isinstance(module, TellingRate):
        inputs = (*inputs, torch.tensor(16_000))
        shapes = {**(shapes or {}), "rate": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, inputs, dynamic_shapes=shapes)
        torch.export.save(program, str(path))
    return path
