"""The velocity networks: in which direction a noisy mel moves at a time between 0 and 1.

Each version has its own. All are (batch, mels, frames) → the same, for a time (batch,) in
thousandths and a condition (batch, mels, frames). The parameters have the published names.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.engines.ddsp_svc.networks.shapes import DdspShape
from realtime.networks.conformer import (
    KERNEL,
    REACH,
    ConformerConvolutions,
    sigmoid_gate,
    silu_gate,
)

LONGEST_PERIOD = 10_000.0


class FlowTimeEmbedding(nn.Module):
    """A time as a vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.add_module("1", nn.Linear(width, 4 * width))
        self.add_module("3", nn.Linear(4 * width, width))

    def forward(self, time: Tensor) -> Tensor:
        half = self.width // 2
        places = torch.arange(half, device=time.device) * (-math.log(LONGEST_PERIOD) / (half - 1))
        angles = time[:, None] * places.exp()
        x = torch.cat([angles.sin(), angles.cos()], dim=1)
        widen, narrow = self.children()
        output: Tensor = narrow(functional.gelu(widen(x)))
        return output


class NaiveLayer(nn.Module):
    """A layer of 6.0: convolutions of the mel with its time and its condition, added to it."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        width = shape.flow_width
        self.diffusion_step_projection = nn.Conv1d(width, width, 1)
        self.condition_projection = nn.Conv1d(shape.mels, width, 1)
        self.conformer = ConformerConvolutions(
            width, gate=sigmoid_gate, activation=nn.SiLU(), norm=False
        )

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        y = x + self.diffusion_step_projection(time) + self.condition_projection(condition)
        output: Tensor = x + self.conformer(y)
        return output


class LynxLayer(nn.Module):
    """A layer of 6.1 or 6.2, whose parameters are alike.

    In 6.1 the condition steers the convolutions only; in 6.2 it is added to the mel for good.
    """

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        width = shape.flow_width
        self.keeps_condition = shape.version == "6.2"
        self.diffusion_projection = nn.Conv1d(width, width, 1)
        self.conditioner_projection = nn.Conv1d(shape.mels, width, 1)
        self.convmodule = ConformerConvolutions(
            width, gate=silu_gate, activation=nn.PReLU(2 * width), norm=True
        )

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        steered = x + self.conditioner_projection(condition)
        moved = self.convmodule(steered + self.diffusion_projection(time))
        output: Tensor = moved + (steered if self.keeps_condition else x)
        return output


class Lynx2Layer(nn.Module):
    """A layer of 6.3: (batch, frames, width) → the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleDict(
            {
                "0": nn.LayerNorm(width),
                "2": nn.Conv1d(width, width, KERNEL, padding=REACH, groups=width),
                "4": nn.Linear(width, 2 * width),
                "6": nn.Linear(width, 2 * width),
                "8": nn.Linear(width, width),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.net["2"](self.net["0"](x).transpose(1, 2)).transpose(1, 2)
        for name in ("4", "6"):
            y = silu_gate(self.net[name](y), dim=2)
        output: Tensor = x + self.net["8"](y)
        return output


class ConvolvedVelocity(nn.Module):
    """The frame of the networks of 6.0 to 6.2: convolutions before and behind the layers."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        width = shape.flow_width
        self.input_projection = nn.Conv1d(shape.mels, width, 1)
        self.diffusion_embedding = FlowTimeEmbedding(width)
        self.output_projection = nn.Conv1d(width, shape.mels, 1)


class NaiveVelocity(ConvolvedVelocity):
    """The network of 6.0, "NaiveV2"."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__(shape)
        self.residual_layers = nn.ModuleList([NaiveLayer(shape) for _ in range(shape.flow_layers)])

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        x = functional.gelu(self.input_projection(x))
        embedded = self.diffusion_embedding(time)[..., None]
        for layer in self.residual_layers:
            x = layer(x, embedded, condition)
        output: Tensor = self.output_projection(x)
        return output


class LynxVelocity(ConvolvedVelocity):
    """The network of 6.1 and 6.2, "LYNXNet"."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__(shape)
        self.starts_rectified = shape.version == "6.1"
        self.residual_layers = nn.ModuleList([LynxLayer(shape) for _ in range(shape.flow_layers)])
        self.norm = nn.LayerNorm(shape.flow_width)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        x = self.input_projection(x)
        if self.starts_rectified:
            x = functional.gelu(x)
        embedded = self.diffusion_embedding(time)[..., None]
        for layer in self.residual_layers:
            x = layer(x, embedded, condition)
        output: Tensor = self.output_projection(self.norm(x.transpose(1, 2)).transpose(1, 2))
        return output


class Lynx2Velocity(nn.Module):
    """The network of 6.3, "LYNXNet2" with LayerNorm and SwiGLU."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        width = shape.flow_width
        self.input_projection = nn.Linear(shape.mels, width)
        self.conditioner_projection = nn.Linear(shape.mels, width)
        self.diffusion_embedding = FlowTimeEmbedding(width)
        self.residual_layers = nn.ModuleList([Lynx2Layer(width) for _ in range(shape.flow_layers)])
        self.norm = nn.LayerNorm(width)
        self.output_projection = nn.Linear(width, shape.mels)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        x = self.input_projection(x.transpose(1, 2))
        x = x + self.conditioner_projection(condition.transpose(1, 2))
        x = x + self.diffusion_embedding(time)[:, None]
        for layer in self.residual_layers:
            x = layer(x)
        output: Tensor = self.output_projection(self.norm(x)).transpose(1, 2)
        return output


def velocity_network(shape: DdspShape) -> nn.Module:
    """Make the network of a version."""
    if shape.version == "6.0":
        return NaiveVelocity(shape)
    return Lynx2Velocity(shape) if shape.version == "6.3" else LynxVelocity(shape)
