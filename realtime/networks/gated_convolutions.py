"""Gated convolutions steered by a style, as WaveNet has them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

KERNEL = 5


class GatedConvolutions(nn.Module):
    """Layers that each add to a sum; a slice of the style's projection steers each layer."""

    def __init__(self, width: int, style: int, layers: int) -> None:
        super().__init__()
        self.width = width
        self.cond_layer = nn.Conv1d(style, 2 * width * layers, 1)
        self.in_layers = nn.ModuleList(
            [nn.Conv1d(width, 2 * width, KERNEL, padding=KERNEL // 2) for _ in range(layers)]
        )
        last = layers - 1
        self.res_skip_layers = nn.ModuleList(
            [nn.Conv1d(width, width if n == last else 2 * width, 1) for n in range(layers)]
        )

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        steers = self.cond_layer(style).chunk(len(self.in_layers), dim=1)
        for widen, narrow, steer in zip(self.in_layers, self.res_skip_layers, steers, strict=True):
            sound, gate = (widen(x) + steer).chunk(2, dim=1)
            added = narrow(sound.tanh() * gate.sigmoid())
            if added.shape[1] == self.width:  # the last layer has no residual
                total = total + added
                break
            x = x + added[:, : self.width]
            total = total + added[:, self.width :]
        return total
