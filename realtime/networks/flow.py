"""The flow: latent frames of any voice become those of the voice that the style is of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from realtime.networks.gated_convolutions import KERNEL, GatedConvolutions

COUPLINGS = 4


class Coupling(nn.Module):
    """A layer that shifts one half of the channels by what it computes of the other."""

    def __init__(self, channels: int, width: int, style: int, layers: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels // 2, width, 1)
        self.enc = GatedConvolutions(width, style, layers)
        self.post = nn.Conv1d(width, channels // 2, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        kept, shifted = x.chunk(2, dim=1)
        return torch.cat([kept, shifted - self.post(self.enc(self.pre(kept), style))], dim=1)


class Flow(nn.Module):
    """The couplings, run backwards; before each the channels are turned round.

    Checkpoints number the turns too, so the couplings are 0, 2, 4 and 6.
    """

    def __init__(self, channels: int, width: int, style: int, layers: int) -> None:
        super().__init__()
        self.layers = layers  # of gated convolutions in a coupling
        couplings = [Coupling(channels, width, style, layers) for _ in range(COUPLINGS)]
        turned = [layer for coupling in couplings for layer in (coupling, nn.Identity())]
        self.flows = nn.ModuleList(turned)

    @property
    def reach(self) -> int:
        """Return the frames to each side that a frame depends on."""
        return COUPLINGS * self.layers * (KERNEL // 2)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        for coupling in reversed(self.flows[::2]):
            x = coupling(x.flip(1), style)
        return x
