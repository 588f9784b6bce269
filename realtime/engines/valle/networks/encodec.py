"""EnCodec's encoder at 24 kHz: sound in, eight codes a frame out, 320 samples a frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.errors import BadRequest

SAMPLE_RATE = 24_000
LEVELS = 8
TRAINING = ("inited", "cluster_size", "embed_avg")  # what only training needs
PARTS = ("encoder.", "quantizer.")  # of the public file, which also holds a decoder


@dataclass(frozen=True)
class EncodecShape:
    """The published sizes; a residual step for each ratio."""

    filters: int = 32
    features: int = 128
    ratios: Sequence[int] = (2, 4, 5, 8)
    levels: int = LEVELS
    codes: int = 1024


class Causal(nn.Module):
    """A convolution that sees the past alone, mirrored where there is none."""

    def __init__(self, before: int, after: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.ModuleDict({"conv": nn.Conv1d(before, after, size, stride)})
        self._size, self._stride = size, stride

    def forward(self, x: Tensor) -> Tensor:
        left = self._size - self._stride
        frames = math.ceil((x.shape[-1] - self._size + left) / self._stride) + 1
        right = (frames - 1) * self._stride + self._size - left - x.shape[-1]
        found: Tensor = self.conv["conv"](mirrored(x, left, right))
        return found


class Residual(nn.Module):
    """Two convolutions beside a short one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.block = nn.Sequential(
            nn.ELU(), Causal(width, half, 3), nn.ELU(), Causal(half, width, 1)
        )
        self.shortcut = Causal(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.shortcut(x) + self.block(x)
        return found


class Memory(nn.Module):
    """Two recurrent layers, added to what they came from."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, num_layers=2)

    def forward(self, x: Tensor) -> Tensor:
        line = x.permute(2, 0, 1)
        found: Tensor = (self.lstm(line)[0] + line).permute(1, 2, 0)
        return found


class Encoder(nn.Module):
    """(batch, 1, samples) → (batch, features, frames)."""

    def __init__(self, shape: EncodecShape) -> None:
        super().__init__()
        width = shape.filters
        parts: list[nn.Module] = [Causal(1, width, 7)]
        for ratio in shape.ratios:
            parts += [Residual(width), nn.ELU(), Causal(width, 2 * width, 2 * ratio, ratio)]
            width *= 2
        parts += [Memory(width), nn.ELU(), Causal(width, shape.features, 7)]
        self.model = nn.Sequential(*parts)

    def forward(self, sound: Tensor) -> Tensor:
        found: Tensor = self.model(sound)
        return found


class Codebook(nn.Module):
    """Vectors, of which the nearest is a code."""

    def __init__(self, codes: int, features: int) -> None:
        super().__init__()
        self.register_buffer("embed", torch.zeros(codes, features))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, frames, features) → the nearest codes, and their vectors."""
        table = self.get_buffer("embed")
        far = (table * table).sum(1) - 2 * x @ table.T  # but for the same number for all
        codes = far.argmin(-1)
        return codes, table[codes]


class Level(nn.Module):
    """One codebook under its public name."""

    def __init__(self, codes: int, features: int) -> None:
        super().__init__()
        self._codebook = Codebook(codes, features)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self._codebook(x)
        return found


class Encodec(nn.Module):
    """(batch, 1, samples) → (batch, 8, frames) of codes; a last frame is filled up."""

    def __init__(self, shape: EncodecShape = EncodecShape()) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        levels = [Level(shape.codes, shape.features) for _ in range(shape.levels)]
        self.quantizer = nn.ModuleDict({"vq": nn.ModuleDict({"layers": nn.ModuleList(levels)})})

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> Encodec:
        """A model with the tensors of the public file, as far as encoding needs them."""
        shape = shape_of(state)
        plain = fold_weight_norm({name: value for name, value in state.items() if _needed(name)})
        model = cls(shape)
        try:
            model.load_state_dict(plain, strict=True)
        except RuntimeError as error:
            raise _no_weights(str(error).splitlines()[1].strip()) from error
        return model.eval().requires_grad_(False)

    def embed(self, sound: Tensor) -> Tensor:
        """(batch, features, frames) before it becomes codes."""
        found: Tensor = self.encoder(sound)
        return found

    def forward(self, sound: Tensor) -> Tensor:
        rest = self.embed(sound).transpose(1, 2)
        found = []
        for level in self.quantizer.get_submodule("vq.layers").children():
            codes, near = level(rest)
            rest = rest - near
            found.append(codes)
        return torch.stack(found, dim=1)


def mirrored(x: Tensor, left: int, right: int) -> Tensor:
    """Longer at both ends by its own reflection; a short sound is first filled with silence."""
    short = max(0, max(left, right) + 1 - x.shape[-1])
    x = functional.pad(functional.pad(x, (0, short)), (left, right), mode="reflect")
    return x[..., : x.shape[-1] - short]


def shape_of(state: Mapping[str, Tensor]) -> EncodecShape:
    """The sizes that the weights have."""
    try:
        first = state["encoder.model.0.conv.conv.bias"]
        codes, features = state["quantizer.vq.layers.0._codebook.embed"].shape
    except (KeyError, ValueError) as error:
        raise _no_weights(str(error)) from error
    return EncodecShape(filters=len(first), features=features, codes=codes)


def _needed(name: str) -> bool:
    if not name.startswith(PARTS) or name.endswith(TRAINING):
        return False
    over = name.startswith("quantizer.vq.layers.") and int(name.split(".")[3]) >= LEVELS
    return not over


def _no_weights(why: str) -> BadRequest:
    return BadRequest(f"These are no weights of EnCodec: {why}.", code="bad_model")
