"""The encoder of content: from semantic codes, phones and style to frames of what is said."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.engines.gpt_sovits.networks.shapes import SovitsShape
from realtime.networks.relative_encoder import ConvAttention, RelativeEncoder

TEXT_LAYERS_SHARE = 2  # the encoder of codes has half as many layers as that of the text
CROSS_HEADS = 4
WINDOW = 4  # places to each side whose distance the encoders know


class CrossAttention(nn.Module):
    """The place where codes look at the text, and the style joins (`mrte` in the checkpoints)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cross_attention = ConvAttention(width, CROSS_HEADS)
        self.c_pre = nn.Conv1d(channels, width, 1)
        self.text_pre = nn.Conv1d(channels, width, 1)
        self.c_post = nn.Conv1d(width, channels, 1)

    def forward(self, content: Tensor, text: Tensor, style: Tensor) -> Tensor:
        wide = self.c_pre(content)
        output: Tensor = self.c_post(self.cross_attention(wide, self.text_pre(text)) + wide + style)
        return output


class ContentEncoder(nn.Module):
    """The encoder `enc_p`: hidden frames, and from them the mean and spread of latent frames."""

    def __init__(self, shape: SovitsShape) -> None:
        super().__init__()
        channels, layers = shape.hidden, shape.layers

        def encoder(count: int) -> RelativeEncoder:
            return RelativeEncoder(channels, shape.inner, shape.heads, count, shape.kernel, WINDOW)

        self.ssl_proj = nn.Conv1d(shape.ssl, channels, 1)
        self.encoder_ssl = encoder(layers // TEXT_LAYERS_SHARE)
        self.encoder_text = encoder(layers)
        self.text_embedding = nn.Embedding(shape.phones, channels)
        self.mrte = CrossAttention(channels, shape.cross)
        self.encoder2 = encoder(layers // TEXT_LAYERS_SHARE)
        if not shape.has_flow_matching:
            self.proj = nn.Conv1d(channels, 2 * shape.latent, 1)

    def forward(self, content: Tensor, phones: Tensor, style: Tensor) -> Tensor:
        """Return (1, hidden, frames) for content of so many frames, (1, phones) and a style."""
        frames = self.encoder_ssl(self.ssl_proj(content))
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2))
        output: Tensor = self.encoder2(self.mrte(frames, text, style))
        return output

    def latent(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the spread of each latent frame."""
        mean, log_spread = self.proj(hidden).chunk(2, dim=1)
        return mean, log_spread


def change_speed(hidden: Tensor, speed: float) -> Tensor:
    """Stretch frames in time as the published code does; the pitch stays."""
    if speed == 1.0:
        return hidden
    return functional.interpolate(hidden, size=int(hidden.shape[2] / speed) + 1, mode="linear")


def stretch(hidden: Tensor, speed: float) -> Tensor:
    """Stretch frames that may still grow: a frame has the same place whatever follows it."""
    if speed == 1.0:
        return hidden
    count = int(hidden.shape[2] / speed)
    places = (torch.arange(count, device=hidden.device) + 0.5) * speed - 0.5
    below = places.floor().clamp(0, hidden.shape[2] - 1)
    above = (below + 1).clamp(max=hidden.shape[2] - 1)
    share = (places - below).clamp(0, 1).to(hidden.dtype)
    first, second = (hidden[..., each.long()] for each in (below, above))
    return first + (second - first) * share
