"""A voice of DDSP-SVC: content, pitch and volume become sound, its mel, and a finer mel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.engines.ddsp_svc.networks.comb_source import comb_source
from realtime.engines.ddsp_svc.networks.mel import voice_mel
from realtime.engines.ddsp_svc.networks.rectified_flow import EULER, refine_mel
from realtime.engines.ddsp_svc.networks.shapes import CONTROLS, VELOCITY, DdspShape
from realtime.engines.ddsp_svc.networks.synthesis import filter_sources
from realtime.engines.ddsp_svc.networks.unit2control import (
    FrameInputs,
    PhaseUnit2Control,
    SourceUnit2Control,
)
from realtime.engines.ddsp_svc.networks.velocity import velocity_network
from realtime.networks.mel import MelFormat

BUFFERS = ("sampling_rate", "block_size", "win_length", "window")  # under `ddsp_model.`


class DdspSources(NamedTuple):
    """The two sources of a sound, (batch, samples), and the phase of each frame in turns."""

    comb: Tensor
    noise: Tensor
    phase: Tensor


class DdspVoice(nn.Module):
    """The networks of one voice."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        self.shape = shape
        control = PhaseUnit2Control if shape.version == "6.0" else SourceUnit2Control
        self.ddsp_model = nn.ModuleDict({"unit2ctrl": control(shape)})
        self.reflow_model = nn.ModuleDict({"velocity_fn": velocity_network(shape)})

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor], shape: DdspShape) -> DdspVoice:
        """Build the networks of a file's tensors; one that is missing or unknown is an error."""
        plain = fold_weight_norm({name: value.float() for name, value in state.items()})
        with torch.device("meta"):
            network = cls(shape)
        used = {name: value for name, value in plain.items() if not _is_skipped(name, shape)}
        network.load_state_dict(used, assign=True)
        return network.eval().requires_grad_(False)

    def sources(self, pitch: Tensor, noise: Tensor, start: float = 0.0) -> DdspSources:
        """Make the sources for (batch, frames) in Hz; `start` is the phase before them."""
        comb, phase = comb_source(pitch, self.shape.rate, self.shape.hop, start)
        return DdspSources(comb, noise, phase)

    def controls(self, inputs: FrameInputs, sources: DdspSources) -> Tensor:
        """Return the filters of both sources, (batch, frames, 4 · bins)."""
        comb, noise = self.framed(sources.comb), self.framed(sources.noise)
        controls: Tensor = self.ddsp_model["unit2ctrl"](inputs, comb, noise, sources.phase)
        return controls

    def framed(self, sound: Tensor) -> Tensor:
        return sound.reshape(len(sound), -1, self.shape.hop)

    def sound(self, inputs: FrameInputs, noise: Tensor, start: float = 0.0) -> Tensor:
        """Return (batch, frames · hop) of sound, for noise of that shape."""
        sources = self.sources(inputs.pitch, noise, start)
        controls = self.controls(inputs, sources)
        window = torch.hann_window(self.shape.window, device=noise.device)
        return filter_sources(sources.comb, noise, controls, window, self.shape.hop)

    def mel(self, sound: Tensor, mel_format: MelFormat) -> Tensor:
        return voice_mel(sound, mel_format)

    def refine(
        self,
        mel: Tensor,
        noise: Tensor,
        *,
        start: float,
        steps: int,
        method: str = EULER,
        check: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Return a finer mel (batch, mels, frames), for noise of that shape."""
        velocity = self.reflow_model["velocity_fn"]
        return refine_mel(
            velocity, mel, noise, start=start, steps=steps, method=method, check=check
        )


def _is_skipped(name: str, shape: DdspShape) -> bool:
    """Return whether the published networks have a tensor and do not use it."""
    if name in {f"ddsp_model.{buffer}" for buffer in BUFFERS}:
        return True
    if shape.version == "6.0":
        layers = (f"{CONTROLS}decoder.encoder_layers.", f"{VELOCITY}residual_layers.")
        return name.startswith(layers) and name.split(".")[-2] == "norm"
    return name.startswith((f"{CONTROLS}f0_embed.", f"{CONTROLS}phase_embed."))
