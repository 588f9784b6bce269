"""Vocos for EnCodec's codes: codes in, sound at 24 kHz out, 320 samples a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.errors import BadRequest

WINDOW = 1280
HOP = 320
BANDS = 4  # bandwidths the weights know
BANDWIDTH = 2  # of them, the one with eight codebooks
CODES = 1024
LEVELS = 8  # codebooks that are used
LOUDEST = 100.0
LEAST_WEIGHT = 1e-6  # of the windows over a sample; only beyond the end there are none
LEFT_OUT = "feature_extractor.encodec."  # EnCodec itself, which decoding codes does not need


@dataclass(frozen=True)
class VocosShape:
    """The published sizes."""

    features: int = 128
    width: int = 384
    inner: int = 1152
    layers: int = 8
    levels: int = 16  # codebooks in the table; the first eight are used


class BandNorm(nn.Module):
    """A norm with a scale and a shift of the bandwidth."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Embedding(BANDS, width)
        self.shift = nn.Embedding(BANDS, width)

    def forward(self, x: Tensor) -> Tensor:
        plain = functional.layer_norm(x, x.shape[-1:], eps=1e-6)
        return plain * self.scale.weight[BANDWIDTH] + self.shift.weight[BANDWIDTH]


class ConvNeXtBlock(nn.Module):
    """A wide look along time, then two linear layers, scaled and added to what it came from."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = BandNorm(width)
        self.pwconv1 = nn.Linear(width, inner)
        self.pwconv2 = nn.Linear(inner, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor, filled: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x * filled).transpose(1, 2))
        y = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(y)))
        added: Tensor = x + y.transpose(1, 2)
        return added


class Backbone(nn.Module):
    """(batch, features, frames) → (batch, frames, width)."""

    def __init__(self, shape: VocosShape) -> None:
        super().__init__()
        self.embed = nn.Conv1d(shape.features, shape.width, 7, padding=3)
        self.norm = BandNorm(shape.width)
        self.convnext = nn.ModuleList(
            [ConvNeXtBlock(shape.width, shape.inner) for _ in range(shape.layers)]
        )
        self.final_layer_norm = nn.LayerNorm(shape.width, eps=1e-6)

    def forward(self, x: Tensor, filled: Tensor) -> Tensor:
        x = self.norm(self.embed(x * filled).transpose(1, 2)).transpose(1, 2)
        for block in self.convnext:
            x = block(x, filled)
        found: Tensor = self.final_layer_norm(x.transpose(1, 2))
        return found


class Overlap(nn.Module):
    """Spectra back to sound: each frame's window is added to its neighbours'."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW))

    def forward(self, spectra: Tensor, filled: Tensor) -> Tensor:
        """Complex (batch, bins, frames) → (batch, HOP × frames)."""
        window = self.get_buffer("window").to(torch.float32)
        frames = torch.fft.irfft(spectra, WINDOW, dim=1, norm="backward") * window[:, None]
        summed = _folded(frames * filled)
        weight = _folded((window * window)[:, None] * filled)
        edge = (WINDOW - HOP) // 2
        return summed[:, edge:-edge] / weight[:, edge:-edge].clamp(min=LEAST_WEIGHT)


class Head(nn.Module):
    """Each frame's loudness and phase, then sound; in full precision whatever came before."""

    def __init__(self, shape: VocosShape) -> None:
        super().__init__()
        self.out = nn.Linear(shape.width, WINDOW + 2)
        self.istft = Overlap()

    def forward(self, x: Tensor, filled: Tensor) -> Tensor:
        loudness, phase = self.out(x).float().transpose(1, 2).chunk(2, dim=1)
        spectra = torch.polar(loudness.exp().clamp(max=LOUDEST), phase)
        found: Tensor = self.istft(spectra, filled)
        return found


class Codebooks(nn.Module):
    """The vectors of the codes of all levels."""

    def __init__(self, shape: VocosShape) -> None:
        super().__init__()
        self.codebook_weights = nn.Parameter(torch.zeros(shape.levels * CODES, shape.features))

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, levels, frames) → (batch, features, frames)."""
        starts = CODES * torch.arange(codes.shape[1], device=codes.device)[:, None]
        return functional.embedding(codes + starts, self.codebook_weights).sum(1).transpose(1, 2)


class Vocos(nn.Module):
    """(batch, 8, frames) of codes → (batch, 320 × frames) of samples.

    `lengths` (batch,) says how many frames of each are filled: what lies beyond changes nothing.
    """

    def __init__(self, shape: VocosShape = VocosShape()) -> None:
        super().__init__()
        self.shape = shape
        self.feature_extractor = Codebooks(shape)
        self.backbone = Backbone(shape)
        self.head = Head(shape)

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> Vocos:
        """A model with the given tensors, of which only EnCodec's own may be over."""
        model = cls(shape_of(state))
        said = model.load_state_dict(dict(state), strict=False)
        over = [name for name in said.unexpected_keys if not name.startswith(LEFT_OUT)]
        if said.missing_keys or over:
            raise BadRequest(
                f"These are no weights of Vocos: missing {said.missing_keys[:3]}, over {over[:3]}.",
                code="bad_model",
            )
        return model.eval().requires_grad_(False)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        features = self.feature_extractor(codes)
        filled = torch.arange(codes.shape[-1], device=codes.device) < lengths[:, None]
        filled = filled[:, None].to(features.dtype)
        found: Tensor = self.head(self.backbone(features, filled), filled)
        return found

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Inputs for trials in a room: all of it filled, and not all."""
        (room,) = sizes
        random = torch.Generator().manual_seed(room)
        codes = torch.randint(CODES, (1, LEVELS, room), generator=random)
        return [(codes, torch.tensor([frames])) for frames in (room, max(1, room - 3))]


def shape_of(state: Mapping[str, Tensor]) -> VocosShape:
    """The sizes that the weights have."""
    try:
        rows, features = state["feature_extractor.codebook_weights"].shape
        inner, width = state["backbone.convnext.0.pwconv1.weight"].shape
    except (KeyError, ValueError) as error:
        raise BadRequest(f"These are no weights of Vocos: {error}.", code="bad_model") from error
    layers = {name.split(".")[2] for name in state if name.startswith("backbone.convnext.")}
    return VocosShape(features, width, inner, len(layers), rows // CODES)


def _folded(frames: Tensor) -> Tensor:
    """(batch, WINDOW, frames) laid over each other, a hop apart, and added up."""
    length = (frames.shape[-1] - 1) * HOP + WINDOW
    return functional.fold(frames, (1, length), (1, WINDOW), stride=(1, HOP))[:, 0, 0]
