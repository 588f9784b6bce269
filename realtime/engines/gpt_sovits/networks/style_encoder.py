"""The encoder of style: from a reference's spectrogram to one vector."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

HEADS = 2
KERNEL = 5


class Dense(nn.Module):
    """A linear layer under the name that checkpoints give it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc(x)
        return output


class PlainConv(nn.Module):
    """A convolution over rows, under the name that checkpoints give it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, KERNEL, padding=KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return output


class GatedConv(nn.Module):
    """A convolution whose one half opens and closes the other; its input is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = PlainConv(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        sound, gate = self.conv1(x).chunk(2, dim=2)
        output: Tensor = x + sound * gate.sigmoid()
        return output


class StyleAttention(nn.Module):
    """Self-attention whose scores are divided by the root of the whole width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.w_qs = nn.Linear(width, width)
        self.w_ks = nn.Linear(width, width)
        self.w_vs = nn.Linear(width, width)
        self.fc = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).unflatten(2, (HEADS, -1)).transpose(1, 2)
            for layer in (self.w_qs, self.w_ks, self.w_vs)
        )
        scale = 1 / math.sqrt(x.shape[2])
        joined = functional.scaled_dot_product_attention(q, k, v, scale=scale)
        output: Tensor = self.fc(joined.transpose(1, 2).flatten(2)) + x
        return output


class StyleEncoder(nn.Module):
    """The encoder `ref_enc`: (1, bins, frames) to (1, style, 1)."""

    def __init__(self, bins: int, width: int, style: int) -> None:
        super().__init__()
        self.bins = bins
        # As published: rectifiers and dropouts lie between, so the layers are the first and fourth.
        self.spectral = nn.Sequential(
            Dense(bins, width), nn.Mish(), nn.Identity(), Dense(width, width), nn.Mish()
        )
        self.temporal = nn.Sequential(GatedConv(width), GatedConv(width))
        self.slf_attn = StyleAttention(width)
        self.fc = Dense(width, style)

    def forward(self, spectrogram: Tensor) -> Tensor:
        x = self.spectral(spectrogram[:, : self.bins].transpose(1, 2))
        x = self.fc(self.slf_attn(self.temporal(x)))
        output: Tensor = x.mean(1).unsqueeze(2)
        return output
