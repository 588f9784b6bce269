"""Vocos for EnCodec's codes: a vocoder from codes to sound at 24 kHz, 320 samples a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.engines.valle.codes import CODES, HOP, LEVELS
from realtime.errors import BadRequest

WINDOW = 1280  # samples of a frame's spectrum
BANDS = 4  # bandwidths that the weights were trained for: 1.5, 3, 6 and 12 kbit/s
BANDWIDTH = 2  # the number of 6 kbit/s, which is eight codebooks
LOUDEST = 100.0  # of a spectrum: the published bound of the exponential
LEAST_WEIGHT = 1e-6  # of the windows over a sample: none lies beyond the end, and 0 divides badly
LEFT_OUT = "feature_extractor.encodec."  # EnCodec itself: codes are decoded without it


@dataclass(frozen=True)
class VocosShape:
    """The sizes of the network; the published ones are the defaults."""

    features: int = 128
    width: int = 384
    inner: int = 1152
    layers: int = 8
    levels: int = 16  # codebooks in the table; the first eight are used


class BandNorm(nn.Module):
    """A layer norm with a scale and a shift for each bandwidth; one bandwidth is used."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Embedding(BANDS, width)
        self.shift = nn.Embedding(BANDS, width)

    def forward(self, x: Tensor) -> Tensor:
        normed = functional.layer_norm(x, x.shape[-1:], eps=1e-6)
        return normed * self.scale.weight[BANDWIDTH] + self.shift.weight[BANDWIDTH]


class ConvNeXtBlock(nn.Module):
    """A convolution along time and two linear layers, scaled, with a residual around them.

    `filled` is 1 in a piece's frames and 0 beyond them.
    """

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
        output: Tensor = x + y.transpose(1, 2)
        return output


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
        output: Tensor = self.final_layer_norm(x.transpose(1, 2))
        return output


class InverseStft(nn.Module):
    """The inverse short-time Fourier transform: spectra to sound by overlapping windows."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW))

    def forward(self, spectra: Tensor, filled: Tensor) -> Tensor:
        """Return (batch, HOP × frames) of samples for complex (batch, bins, frames)."""
        window = self.get_buffer("window").to(torch.float32)
        frames = torch.fft.irfft(spectra, WINDOW, dim=1, norm="backward") * window[:, None]
        summed = _overlap_add(frames * filled)
        weight = _overlap_add((window * window)[:, None] * filled)
        edge = (WINDOW - HOP) // 2
        return summed[:, edge:-edge] / weight[:, edge:-edge].clamp(min=LEAST_WEIGHT)


class SpectrumHead(nn.Module):
    """Each frame's magnitude and phase, then sound; in fp32 whatever the backbone computes in."""

    def __init__(self, shape: VocosShape) -> None:
        super().__init__()
        self.out = nn.Linear(shape.width, WINDOW + 2)
        self.istft = InverseStft()

    def forward(self, x: Tensor, filled: Tensor) -> Tensor:
        magnitude, phase = self.out(x).float().transpose(1, 2).chunk(2, dim=1)
        spectra = torch.polar(magnitude.exp().clamp(max=LOUDEST), phase)
        sound: Tensor = self.istft(spectra, filled)
        return sound


class Codebooks(nn.Module):
    """The code vectors of all levels, one table behind the other."""

    def __init__(self, shape: VocosShape) -> None:
        super().__init__()
        self.codebook_weights = nn.Parameter(torch.zeros(shape.levels * CODES, shape.features))

    def forward(self, codes: Tensor) -> Tensor:
        """Return (batch, features, frames): the sum of the levels' vectors."""
        starts = CODES * torch.arange(codes.shape[1], device=codes.device)[:, None]
        return functional.embedding(codes + starts, self.codebook_weights).sum(1).transpose(1, 2)


class Vocos(nn.Module):
    """(batch, 8, frames) of codes → (batch, 320 × frames) of samples.

    `lengths` (batch,) says how many frames of each are filled; frames beyond change nothing.
    """

    def __init__(self, shape: VocosShape = VocosShape()) -> None:
        super().__init__()
        self.shape = shape
        self.feature_extractor = Codebooks(shape)
        self.backbone = Backbone(shape)
        self.head = SpectrumHead(shape)

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> Vocos:
        """Make a network of the given tensors; only EnCodec's own may be there besides.

        A missing or an unknown tensor is a BadRequest.
        """
        model = cls(shape_of(state))
        names = model.load_state_dict(dict(state), strict=False)
        unknown = [name for name in names.unexpected_keys if not name.startswith(LEFT_OUT)]
        if names.missing_keys or unknown:
            raise BadRequest(
                f"These are no weights of Vocos: missing {names.missing_keys[:3]}, "
                f"unknown {unknown[:3]}.",
                code="bad_model",
            )
        return model.eval().requires_grad_(False)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        features = self.feature_extractor(codes)
        filled = torch.arange(codes.shape[-1], device=codes.device) < lengths[:, None]
        filled = filled[:, None].to(features.dtype)
        sound: Tensor = self.head(self.backbone(features, filled), filled)
        return sound

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Return inputs for trials of so many frames: all of them filled, and not all."""
        (size,) = sizes
        generator = torch.Generator().manual_seed(size)
        codes = torch.randint(CODES, (1, LEVELS, size), generator=generator)
        return [(codes, torch.tensor([frames])) for frames in (size, max(1, size - 3))]


def shape_of(state: Mapping[str, Tensor]) -> VocosShape:
    """Return the sizes that the weights have."""
    try:
        rows, features = state["feature_extractor.codebook_weights"].shape
        inner, width = state["backbone.convnext.0.pwconv1.weight"].shape
    except (KeyError, ValueError) as error:
        raise BadRequest(f"These are no weights of Vocos: {error}.", code="bad_model") from error
    layers = {name.split(".")[2] for name in state if name.startswith("backbone.convnext.")}
    return VocosShape(features, width, inner, len(layers), rows // CODES)


def _overlap_add(frames: Tensor) -> Tensor:
    """Add up the frames of (batch, WINDOW, frames), each a hop after the one before."""
    length = (frames.shape[-1] - 1) * HOP + WINDOW
    return functional.fold(frames, (1, length), (1, WINDOW), stride=(1, HOP))[:, 0, 0]
