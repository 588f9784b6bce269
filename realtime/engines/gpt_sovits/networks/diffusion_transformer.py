"""The network that v3 and v4 ask, step by step, where each number of a mel should move.

Its parts have the names of the checkpoints. What does not change from step to step is computed
once: the features of the text, and how each step's time steers the blocks.

Lines of several lengths may share a run. A mask (batch, frames, 1) then tells frames of the line
from those that fill it up, and no frame of a line changes by them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_WIDTH = 64  # of the published networks; no tensor shows it
LONGEST_WAVE = 10_000.0  # of all tables of sines
TIME_WAVES = 128
TIME_SCALE = 1_000.0
MOST_PLACES = 4_096  # of the text's table of places
STEERS = 6  # numbers that steer a block, for each of its channels
LAST_STEERS = 2


@dataclass(frozen=True)
class DitShape:
    """The sizes of the network; the published ones are the defaults."""

    width: int = 1024
    heads: int = 16
    layers: int = 22
    inner: int = 2048  # width between a block's two linear layers
    bands: int = 100
    features: int = 512
    feature_inner: int = 1024
    feature_layers: int = 4
    position_kernel: int = 31
    position_groups: int = 16

    @staticmethod
    def of(state: Mapping[str, Tensor], prefix: str = "") -> DitShape:
        """Read the sizes from the tensors."""
        names = [name.removeprefix(prefix) for name in state if name.startswith(prefix)]

        def size(name: str, axis: int = 0) -> int:
            return int(state[prefix + name].shape[axis])

        def count(stem: str) -> int:
            below = [name.removeprefix(stem) for name in names if name.startswith(stem)]
            return len({name.partition(".")[0] for name in below})

        conv = "input_embed.conv_pos_embed.conv1d.0.weight"
        return DitShape(
            width=size("proj_out.weight", 1),
            heads=size("transformer_blocks.0.attn.to_q.weight") // HEAD_WIDTH,
            layers=count("transformer_blocks."),
            inner=size("transformer_blocks.0.ff.ff.2.weight", 1),
            bands=size("proj_out.weight"),
            features=size("text_embed.text_blocks.0.dwconv.weight"),
            feature_inner=size("text_embed.text_blocks.0.pwconv1.weight"),
            feature_layers=count("text_embed.text_blocks."),
            position_kernel=size(conv, 2),
            position_groups=size(conv) // size(conv, 1),
        )


class TimeEmbedding(nn.Module):
    """A number as a vector: waves of it, and two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(
            nn.Linear(2 * TIME_WAVES, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, numbers: Tensor) -> Tensor:
        places = torch.arange(TIME_WAVES, device=numbers.device, dtype=torch.float32)
        rates = torch.exp(-math.log(LONGEST_WAVE) / (TIME_WAVES - 1) * places)
        angles = TIME_SCALE * numbers.float()[:, None] * rates
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        dtype = next(self.parameters()).dtype
        output: Tensor = self.time_mlp(waves.to(dtype))
        return output


class ResponseNorm(nn.Module):
    """A share for each channel, by how loud it is over the whole time against the others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        loud = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        share = loud / (loud.mean(dim=2, keepdim=True) + 1e-6)
        output: Tensor = self.gamma * (x * share) + self.beta + x
        return output


class TextBlock(nn.Module):
    """A convolution over time for each channel, and two linear layers over the channels."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.pwconv1 = nn.Linear(width, inner)
        self.grn = ResponseNorm(inner)
        self.pwconv2 = nn.Linear(inner, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        near = self.dwconv(masked(x, mask).transpose(1, 2)).transpose(1, 2)
        inner = masked(functional.gelu(self.pwconv1(self.norm(near))), mask)
        output: Tensor = x + self.pwconv2(self.grn(inner))
        return output


class TextEmbedding(nn.Module):
    """The features of what is said, with their places, as the blocks want them."""

    def __init__(self, shape: DitShape) -> None:
        super().__init__()
        self.text_blocks = nn.ModuleList(
            [TextBlock(shape.features, shape.feature_inner) for _ in range(shape.feature_layers)]
        )

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        _, length, width = features.shape
        places = torch.arange(length, device=features.device).clamp_max(MOST_PLACES - 1)
        angles = places[:, None] * wave_rates(width, features.device)
        x = features + torch.cat([angles.cos(), angles.sin()], dim=1).to(features.dtype)
        for block in self.text_blocks:
            x = block(x, mask)
        return x


class PositionConv(nn.Module):
    """Two wide convolutions that tell each frame what is around it."""

    def __init__(self, shape: DitShape) -> None:
        super().__init__()
        width, kernel = shape.width, shape.position_kernel

        def conv() -> nn.Conv1d:
            padding = kernel // 2
            return nn.Conv1d(width, width, kernel, padding=padding, groups=shape.position_groups)

        self.conv1d = nn.Sequential(conv(), nn.Mish(), conv(), nn.Mish())

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for part in (self.conv1d[:2], self.conv1d[2:]):
            x = part(masked(x, mask).transpose(1, 2)).transpose(1, 2)
        return x


class InputEmbedding(nn.Module):
    """The mel on its way, the known mel before it and the text's features, as one."""

    def __init__(self, shape: DitShape) -> None:
        super().__init__()
        self.proj = nn.Linear(2 * shape.bands + shape.features, shape.width)
        self.conv_pos_embed = PositionConv(shape)

    def forward(self, mel: Tensor, known: Tensor, text: Tensor, mask: Tensor | None) -> Tensor:
        x = self.proj(torch.cat([mel, known, text], dim=2))
        output: Tensor = x + self.conv_pos_embed(x, mask)
        return output


class TurnedAttention(nn.Module):
    """Attention of all frames to all others; only the first head hears how far they are apart.

    It was trained so: places are turned into the channels before these are split into heads.
    """

    def __init__(self, shape: DitShape) -> None:
        super().__init__()
        inner = shape.heads * HEAD_WIDTH
        self.to_q = nn.Linear(shape.width, inner)
        self.to_k = nn.Linear(shape.width, inner)
        self.to_v = nn.Linear(shape.width, inner)
        self.to_out = nn.Sequential(nn.Linear(inner, shape.width))

    def forward(self, x: Tensor, turns: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = (
            project(x).unflatten(2, (-1, HEAD_WIDTH)).transpose(1, 2)
            for project in (self.to_q, self.to_k, self.to_v)
        )
        for heads in (q, k):  # in place: a copy of all heads takes longer than the turn
            heads[:, 0] = turned(heads[:, 0], turns)
        allowed = None if mask is None else mask.transpose(1, 2)[:, None] > 0
        joined = functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        output: Tensor = self.to_out(joined.transpose(1, 2).flatten(2))
        return output


class Steering(nn.Module):
    """The layer that turns a step's time into the numbers that steer a block."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, count * width)

    def forward(self, time: Tensor) -> Tensor:
        output: Tensor = self.linear(time)
        return output


class DitBlock(nn.Module):
    """Attention and two linear layers, each shifted, scaled and gated by the step's time."""

    def __init__(self, shape: DitShape) -> None:
        super().__init__()
        self.attn_norm = Steering(shape.width, STEERS)
        self.attn = TurnedAttention(shape)
        first = nn.Sequential(nn.Linear(shape.width, shape.inner), nn.GELU("tanh"))
        last = nn.Linear(shape.inner, shape.width)
        self.ff = nn.ModuleDict({"ff": nn.Sequential(first, nn.Identity(), last)})

    def forward(self, x: Tensor, turns: Tensor, steers: Tensor, mask: Tensor | None) -> Tensor:
        shift, scale, gate, inner_shift, inner_scale, inner_gate = steers.chunk(STEERS, dim=-1)
        x = torch.addcmul(x, gate, self.attn(steered(x, shift, scale), turns, mask))
        widened: Tensor = self.ff["ff"](steered(x, inner_shift, inner_scale))
        return torch.addcmul(x, inner_gate, widened)


class DiffusionTransformer(nn.Module):
    """The network; mels and features are (batch, frames, channels) in it."""

    def __init__(self, shape: DitShape = DitShape()) -> None:
        super().__init__()
        self.shape = shape
        self.time_embed = TimeEmbedding(shape.width)
        self.d_embed = TimeEmbedding(shape.width)
        self.text_embed = TextEmbedding(shape)
        self.input_embed = InputEmbedding(shape)
        self.transformer_blocks = nn.ModuleList([DitBlock(shape) for _ in range(shape.layers)])
        self.norm_out = Steering(shape.width, LAST_STEERS)
        self.proj_out = nn.Linear(shape.width, shape.bands)

    def steering(self, times: Tensor, step: Tensor) -> Tensor:
        """Return a row for each time: what steers all blocks and the output there."""
        steps = self.d_embed(step.expand(len(times)))
        vectors = functional.silu(self.time_embed(times) + steps)
        rows = [block.get_submodule("attn_norm")(vectors) for block in self.transformer_blocks]
        return torch.cat([*rows, self.norm_out(vectors)], dim=1)

    def forward(
        self,
        mel: Tensor,
        known: Tensor,
        text: Tensor,
        steering: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return where the mel should move, for embedded text and one row of `steering`."""
        sizes = [STEERS * self.shape.width] * self.shape.layers + [LAST_STEERS * self.shape.width]
        *steers, last = torch.split(steering, sizes)
        turns = head_turns(mel.shape[1], mel.device)
        x = self.input_embed(mel, known, text, mask)
        for block, each in zip(self.transformer_blocks, steers, strict=True):
            x = block(x, turns, each, mask)
        scale, shift = last.chunk(LAST_STEERS)  # the other way round than in the blocks
        output: Tensor = self.proj_out(steered(x, shift, scale))
        return output


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask


def steered(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], 1.0 + scale, shift, 1e-6)


def wave_rates(width: int, device: torch.device) -> Tensor:
    """Return width / 2 rates of waves that get longer."""
    places = torch.arange(0, width, 2, device=device, dtype=torch.float32)
    return LONGEST_WAVE ** (-places / width)


def head_turns(length: int, device: torch.device) -> Tensor:
    """Return (2, length, pairs): cosine and sine of the angle of each pair at each place."""
    places = torch.arange(length, device=device, dtype=torch.float32)
    angles = places[:, None] * wave_rates(HEAD_WIDTH, device)
    return torch.stack([angles.cos(), angles.sin()])


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Turn neighbouring pairs of the channels of (batch, length, channels)."""
    cosine, sine = turns
    a, b = x[..., 0::2].float(), x[..., 1::2].float()
    pairs = torch.stack([a * cosine - b * sine, b * cosine + a * sine], dim=-1)
    return pairs.flatten(-2).to(x.dtype)
