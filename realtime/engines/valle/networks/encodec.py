"""EnCodec's encoder at 24 kHz: sound in, eight codes for each frame of 320 samples out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.engines.valle.codes import CODES, LEVELS
from realtime.errors import BadRequest

TRAINING = ("inited", "cluster_size", "embed_avg")  # buffers that only training needs
PARTS = ("encoder.", "quantizer.")  # of the public file, which also holds a decoder


@dataclass(frozen=True)
class EncodecShape:
    """The sizes of the encoder; the published ones are the defaults."""

    filters: int = 32
    features: int = 128
    ratios: Sequence[int] = (2, 4, 5, 8)  # strides; their product is a frame
    levels: int = LEVELS
    codes: int = CODES


class CausalConv(nn.Module):
    """A convolution that sees only the past; before the beginning the sound is mirrored."""

    def __init__(self, channels: int, filters: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.ModuleDict({"conv": nn.Conv1d(channels, filters, size, stride)})
        self._size, self._stride = size, stride

    def forward(self, x: Tensor) -> Tensor:
        left = self._size - self._stride
        frames = math.ceil((x.shape[-1] - self._size + left) / self._stride) + 1
        # Enough on the right that a frame which has begun is a whole one.
        right = (frames - 1) * self._stride + self._size - left - x.shape[-1]
        output: Tensor = self.conv["conv"](pad_mirrored(x, left, right))
        return output


class ResidualConv(nn.Module):
    """Two convolutions, added to a third of size 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.block = nn.Sequential(
            nn.ELU(), CausalConv(width, half, 3), nn.ELU(), CausalConv(half, width, 1)
        )
        self.shortcut = CausalConv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.shortcut(x) + self.block(x)
        return output


class RecurrentLayers(nn.Module):
    """Two recurrent layers with a residual around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, num_layers=2)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.permute(2, 0, 1)
        output: Tensor = (self.lstm(frames)[0] + frames).permute(1, 2, 0)
        return output


class Encoder(nn.Module):
    """(batch, 1, samples) → (batch, features, frames)."""

    def __init__(self, shape: EncodecShape) -> None:
        super().__init__()
        width = shape.filters
        parts: list[nn.Module] = [CausalConv(1, width, 7)]
        for ratio in shape.ratios:
            parts += [ResidualConv(width), nn.ELU(), CausalConv(width, 2 * width, 2 * ratio, ratio)]
            width *= 2
        parts += [RecurrentLayers(width), nn.ELU(), CausalConv(width, shape.features, 7)]
        self.model = nn.Sequential(*parts)

    def forward(self, sound: Tensor) -> Tensor:
        features: Tensor = self.model(sound)
        return features


class Codebook(nn.Module):
    """A table of vectors; the number of the nearest one is the code."""

    def __init__(self, codes: int, features: int) -> None:
        super().__init__()
        self.register_buffer("embed", torch.zeros(codes, features))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest codes of (batch, frames, features), and their vectors."""
        table = self.get_buffer("embed")
        # The squared distance without x * x, which is the same for every code.
        distances = (table * table).sum(1) - 2 * x @ table.T
        codes = distances.argmin(-1)
        return codes, table[codes]


class CodebookLevel(nn.Module):
    """A codebook under the attribute name of the public file."""

    def __init__(self, codes: int, features: int) -> None:
        super().__init__()
        self._codebook = Codebook(codes, features)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes_and_vectors: tuple[Tensor, Tensor] = self._codebook(x)
        return codes_and_vectors


class Encodec(nn.Module):
    """(batch, 1, samples) → (batch, 8, frames) of codes; the last frame may be a partial one.

    Each level encodes what the levels before it left over.
    """

    def __init__(self, shape: EncodecShape = EncodecShape()) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        levels = [CodebookLevel(shape.codes, shape.features) for _ in range(shape.levels)]
        self.quantizer = nn.ModuleDict({"vq": nn.ModuleDict({"layers": nn.ModuleList(levels)})})

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> Encodec:
        """Make a network of the public file's tensors; those that encoding does not need are left.

        A missing tensor, or one of another shape, is a BadRequest.
        """
        shape = shape_of(state)
        plain = fold_weight_norm({name: value for name, value in state.items() if _needed(name)})
        model = cls(shape)
        try:
            model.load_state_dict(plain, strict=True)
        except RuntimeError as error:
            raise _no_weights(str(error).splitlines()[1].strip()) from error
        return model.eval().requires_grad_(False)

    def embed(self, sound: Tensor) -> Tensor:
        """Return (batch, features, frames): the encoder's output before it becomes codes."""
        features: Tensor = self.encoder(sound)
        return features

    def forward(self, sound: Tensor) -> Tensor:
        rest = self.embed(sound).transpose(1, 2)
        levels = []
        for level in self.quantizer.get_submodule("vq.layers").children():
            codes, vectors = level(rest)
            rest = rest - vectors
            levels.append(codes)
        return torch.stack(levels, dim=1)


def pad_mirrored(x: Tensor, left: int, right: int) -> Tensor:
    """Lengthen a sound at both ends by its own reflection.

    Torch mirrors no more than there is, so a short sound gets silence first, which is cut again.
    """
    short = max(0, max(left, right) + 1 - x.shape[-1])
    x = functional.pad(functional.pad(x, (0, short)), (left, right), mode="reflect")
    return x[..., : x.shape[-1] - short]


def shape_of(state: Mapping[str, Tensor]) -> EncodecShape:
    """Return the sizes that the weights have."""
    try:
        first = state["encoder.model.0.conv.conv.bias"]
        codes, features = state["quantizer.vq.layers.0._codebook.embed"].shape
    except (KeyError, ValueError) as error:
        raise _no_weights(str(error)) from error
    return EncodecShape(filters=len(first), features=features, codes=codes)


def _needed(name: str) -> bool:
    if not name.startswith(PARTS) or name.endswith(TRAINING):
        return False
    if name.startswith("quantizer.vq.layers."):
        return int(name.split(".")[3]) < LEVELS  # the public file has 32 levels
    return True


def _no_weights(why: str) -> BadRequest:
    return BadRequest(f"These are no weights of EnCodec: {why}.", code="bad_model")
