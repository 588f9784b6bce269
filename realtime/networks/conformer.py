"""The convolutions of a conformer's layer: they look at the frames around each frame."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

KERNEL = 31  # frames, centred on each frame
REACH = KERNEL // 2  # frames before and after
Gate = Callable[[Tensor], Tensor]  # halves the channels, which are in dimension 1


def sigmoid_gate(x: Tensor) -> Tensor:
    """Gate the first half of the channels by the sigmoid of the second (GLU)."""
    return functional.glu(x, dim=1)


def silu_gate(x: Tensor, dim: int = 1) -> Tensor:
    """Gate the first half of the channels by the SiLU of the second (SwiGLU)."""
    sound, gate = x.chunk(2, dim=dim)
    return sound * functional.silu(gate)


class ConformerConvolutions(nn.Module):
    """Convolutions (batch, channels, frames) → the same, to be added to their input.

    The parameters have the published names; what has no parameters has no name.
    """

    def __init__(self, width: int, *, gate: Gate, activation: nn.Module, norm: bool) -> None:
        super().__init__()
        inner = 2 * width
        self.gate = gate
        self.net = nn.ModuleDict(
            {
                "2": nn.Conv1d(width, 2 * inner, 1),
                "4": nn.Conv1d(inner, inner, KERNEL, padding=REACH, groups=inner),
                "5": activation,
                "6": nn.Conv1d(inner, width, 1),
            }
        )
        if norm:
            self.net["0"] = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        if "0" in self.net:
            x = self.net["0"](x.transpose(1, 2)).transpose(1, 2)
        x = self.net["4"](self.gate(self.net["2"](x)))
        output: Tensor = self.net["6"](self.net["5"](x))
        return output
