"""HuBERT: features of speech at 16 kHz, one for each 320 samples.

There are two kinds, told by their tensors. The base kind has one norm over time after the first
convolution, and norms after each part of a layer. The large kind has norms everywhere before.
ContentVec is of the base kind, with one more projection behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.networks.hubert_names import hubert_state

HEAD_WIDTH = 64  # of the published networks; no tensor shows it
STRIDES = (5, 2, 2, 2, 2, 2, 2)  # of the convolutions; their product is a frame
HALF_FRAME = 160  # samples


@dataclass(frozen=True)
class HubertShape:
    """The sizes of the network; the published base ones are the defaults."""

    width: int = 768
    heads: int = 12
    layers: int = 12
    inner: int = 3072  # width between the two linear layers
    channels: int = 512
    kernels: Sequence[int] = (10, 3, 3, 3, 3, 2, 2)
    position_kernel: int = 128
    position_groups: int = 16
    norms_first: bool = False  # the large kind
    projected: int = 0  # width behind the last projection; 0: it has none


class SoundConv(nn.Module):
    """A convolution of the sound, with a norm where the kind has one there."""

    def __init__(self, channels: int, at: int, shape: HubertShape) -> None:
        super().__init__()
        width, kernel = shape.channels, shape.kernels[at]
        self.conv = nn.Conv1d(channels, width, kernel, STRIDES[at], bias=shape.norms_first)
        self.layer_norm: nn.Module | None = None
        if shape.norms_first:
            self.layer_norm = nn.LayerNorm(width)
        elif at == 0:
            self.layer_norm = nn.GroupNorm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if isinstance(self.layer_norm, nn.LayerNorm):
            x = self.layer_norm(x.transpose(1, 2)).transpose(1, 2)
        elif self.layer_norm is not None:
            x = self.layer_norm(x)
        return functional.gelu(x)


class HubertPosition(nn.Module):
    """A wide convolution that tells each feature where it stands."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        kernel, groups = shape.position_kernel, shape.position_groups
        self.conv = nn.Conv1d(shape.width, shape.width, kernel, padding=kernel // 2, groups=groups)
        self.surplus = 1 - kernel % 2  # columns that an even kernel makes too many

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return functional.gelu(x[:, : x.shape[1] - self.surplus])


class HubertAttention(nn.Module):
    """Attention of all features to all others."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        joined = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        output: Tensor = self.out_proj(joined)
        return output


class HubertLayer(nn.Module):
    """Attention and two linear layers, with the norms before or after each of the two parts."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        self.norms_first = shape.norms_first
        self.attention = HubertAttention(shape.width, shape.heads)
        self.layer_norm = nn.LayerNorm(shape.width)
        self.feed_forward = nn.ModuleDict(
            {
                "intermediate_dense": nn.Linear(shape.width, shape.inner),
                "output_dense": nn.Linear(shape.inner, shape.width),
            }
        )
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor) -> Tensor:
        if self.norms_first:
            x = x + self.attention(self.layer_norm(x))
            return x + self._widened(self.final_layer_norm(x))
        x = self.layer_norm(x + self.attention(x))
        output: Tensor = self.final_layer_norm(x + self._widened(x))
        return output

    def _widened(self, x: Tensor) -> Tensor:
        inner = functional.gelu(self.feed_forward["intermediate_dense"](x))
        output: Tensor = self.feed_forward["output_dense"](inner)
        return output


class HubertEncoder(nn.Module):
    """The layers over the features."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        self.norms_first = shape.norms_first
        self.pos_conv_embed = HubertPosition(shape)
        self.layer_norm = nn.LayerNorm(shape.width)
        self.layers = nn.ModuleList([HubertLayer(shape) for _ in range(shape.layers)])

    def forward(self, x: Tensor, layers: int | None) -> Tensor:
        x = x + self.pos_conv_embed(x)
        if not self.norms_first:
            x = self.layer_norm(x)
        for layer in self.layers[:layers]:
            x = layer(x)
        if self.norms_first and layers is None:
            x = self.layer_norm(x)
        return x


class Hubert(nn.Module):
    """The network, with the parameter names of its published files."""

    def __init__(self, shape: HubertShape = HubertShape()) -> None:
        super().__init__()
        self.shape = shape
        channels = [1, *[shape.channels] * (len(STRIDES) - 1)]
        convs = [SoundConv(each, at, shape) for at, each in enumerate(channels)]
        self.feature_extractor = nn.ModuleDict({"conv_layers": nn.ModuleList(convs)})
        self.feature_projection = nn.ModuleDict(
            {
                "layer_norm": nn.LayerNorm(shape.channels),
                "projection": nn.Linear(shape.channels, shape.width),
            }
        )
        self.encoder = HubertEncoder(shape)
        self.final_proj = nn.Linear(shape.width, shape.projected) if shape.projected else None

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor], heads: int | None = None) -> Hubert:
        """Build the network of a file's tensors; one that is missing or unknown is an error."""
        plain = fold_weight_norm(
            {name: value.float() for name, value in hubert_state(state).items()}
        )
        with torch.device("meta"):
            network = cls(shape_of(plain, heads))
        network.load_state_dict(plain, assign=True)
        return network.eval().requires_grad_(False)

    def forward(self, sound: Tensor, layers: int | None = None) -> Tensor:
        """Turn (batch, samples) into (batch, frames, width), after all layers or the first few."""
        x = self.sound_features(sound).transpose(1, 2)
        x = self.feature_projection["projection"](self.feature_projection["layer_norm"](x))
        output: Tensor = self.encoder(x, layers)
        return output

    def project(self, features: Tensor) -> Tensor:
        """Turn (batch, frames, width) into the narrower features that some files have."""
        if self.final_proj is None:
            raise ValueError("these weights have no final_proj")
        output: Tensor = self.final_proj(features)
        return output

    def twice_as_often(self, sound: Tensor, layers: int | None = None) -> Tensor:
        """Turn (batch, samples) into a frame each 160 samples, by two passes half a frame apart.

        The second pass hears half a frame of silence first, so its frames lie between the others.
        """
        late = self(sound, layers)
        early = self(functional.pad(sound, (HALF_FRAME, 0)), layers)
        surplus = early.shape[1] - late.shape[1]  # 0, or 1 by the sound's length
        late = functional.pad(late, (0, 0, 0, surplus))
        joined = torch.stack((early, late), 2).flatten(1, 2)
        return joined[:, 1 : joined.shape[1] - surplus]

    def sound_features(self, sound: Tensor) -> Tensor:
        """Turn (batch, samples) into the convolutions' (batch, channels, frames)."""
        x = sound.unsqueeze(1)
        for conv in self.feature_extractor["conv_layers"].children():
            x = conv(x)
        return x


def shape_of(state: Mapping[str, Tensor], heads: int | None = None) -> HubertShape:
    """Read the sizes from the tensors, without weight norm."""
    convs = [state[f"feature_extractor.conv_layers.{at}.conv.weight"] for at in range(len(STRIDES))]
    width, group_width, position_kernel = state["encoder.pos_conv_embed.conv.weight"].shape
    layers = {name.split(".")[2] for name in state if name.startswith("encoder.layers.")}
    return HubertShape(
        width,
        heads or width // HEAD_WIDTH,
        len(layers),
        state["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape[0],
        convs[0].shape[0],
        tuple(conv.shape[2] for conv in convs),
        position_kernel,
        width // group_width,
        "feature_extractor.conv_layers.1.layer_norm.weight" in state,
        state["final_proj.weight"].shape[0] if "final_proj.weight" in state else 0,
    )
