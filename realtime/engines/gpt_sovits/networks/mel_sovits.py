"""SoVITS of v3 and v4: from semantic codes to the mel of speech, which a vocoder sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.engines.gpt_sovits.networks.content_encoder import change_speed
from realtime.engines.gpt_sovits.networks.diffusion_transformer import DitShape
from realtime.engines.gpt_sovits.networks.flow_matching import FlowMatching
from realtime.engines.gpt_sovits.networks.shapes import SovitsShape
from realtime.engines.gpt_sovits.networks.sovits import Sovits, Style
from realtime.networks.gated_convolutions import GatedConvolutions

LAYERS = 8  # of gated convolutions
ESTIMATOR = "cfm.estimator."


@dataclass(frozen=True)
class MelRates:
    """Frames of mel that a voice has, and those that are computed at once."""

    stretch: float  # frames of mel for each frame of content, of which a code has two
    most_per_code: float  # frames for each code, beyond which none is of the line
    prompt: int  # most frames of the known mel
    chunk: int  # frames of the known mel and the new one together
    steps: int = 8  # of flow matching, where nobody asks for another number


RATES = {"v3": MelRates(1.875, 3.875, 468, 934, 32), "v4": MelRates(2.0, 4.0, 500, 1_000)}


class SteeredConvolutions(nn.Module):
    """Gated convolutions between two linear layers (`wns1` in the checkpoints)."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(width, width, 1)
        self.enc = GatedConvolutions(width, style, LAYERS)
        self.proj = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        output: Tensor = self.proj(self.enc(self.pre(x), style))
        return output


class MelSovits(Sovits):
    """SoVITS with flow matching in the place of a flow and a generator."""

    def __init__(self, shape: SovitsShape, estimator: DitShape) -> None:
        super().__init__(shape)
        width = estimator.features
        self.bridge = nn.Sequential(nn.Conv1d(shape.hidden, width, 1), nn.LeakyReLU(0.01))
        self.wns1 = SteeredConvolutions(width, shape.style)
        self.cfm = FlowMatching(estimator)

    @staticmethod
    def loaded(weight: Mapping[str, Tensor], model: Mapping[str, Any]) -> MelSovits:
        """Build the network of a checkpoint's tensors; a missing or unknown one is an error."""
        state = fold_weight_norm({name: value.float() for name, value in weight.items()})
        network = MelSovits(SovitsShape.of(state, model), DitShape.of(state, ESTIMATOR))
        network.load_state_dict(state)
        return network.eval()

    def features(
        self, codes: Tensor, phones: Tensor, style: Style, rates: MelRates, speed: float = 1.0
    ) -> Tensor:
        """Return (1, channels, frames of mel) for the codes and phones of one line."""
        hidden = change_speed(self.content_of(codes, phones, style), speed)
        x = functional.interpolate(self.bridge(hidden), scale_factor=rates.stretch, mode="nearest")
        most = int(rates.most_per_code * len(codes) / speed) + (speed != 1.0)
        # The published code computes a frame or two more and makes them zero, which is no silence.
        output: Tensor = self.wns1(x[:, :, :most], style.whole)
        return output
