"""FCPE: the pitch of a voice at 16 kHz, every 10 ms, by convolutions over a mel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.networks.conformer import ConformerConvolutions, sigmoid_gate
from realtime.networks.mel import MelFormat, log_mel
from realtime.networks.pitch_bins import weighted_pitch

MEL = MelFormat(16_000, 1_024, 160, 1_024, 128, 0.0, 8_000.0)
GROUPS = 4  # of the norm between the first two convolutions
THRESHOLD = 0.006  # of a voiced frame, as published
DEPTHWISE = ".net.4.conv."  # published inside a module of its own


class FcpeLayer(nn.Module):
    """Convolutions whose output is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conformer = ConformerConvolutions(
            width, gate=sigmoid_gate, activation=nn.SiLU(), norm=True
        )

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.conformer(x)
        return added


class Fcpe(nn.Module):
    """The network, with the parameter names of its published file."""

    cent_table: Tensor

    def __init__(self, bands: int, width: int, layers: int, steps: int) -> None:
        super().__init__()
        self.input_stack = nn.Sequential(
            nn.Conv1d(bands, width, 3, padding=1),
            nn.GroupNorm(GROUPS, width),
            nn.LeakyReLU(),
            nn.Conv1d(width, width, 3, padding=1),
        )
        made = nn.ModuleList([FcpeLayer(width) for _ in range(layers)])
        self.net = nn.ModuleDict({"encoder_layers": made})
        self.norm = nn.LayerNorm(width)
        self.output_proj = nn.Linear(width, steps)
        self.register_buffer("cent_table", torch.zeros(steps))

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> Fcpe:
        """Build the network of a file's tensors; one that is missing or unknown is an error."""
        plain = fold_weight_norm(
            {
                name.replace(DEPTHWISE, ".net.4."): value.float()
                for name, value in state.items()
                if not _is_unused(name)
            }
        )
        width, bands, _ = plain["input_stack.0.weight"].shape
        layers = {name.split(".")[2] for name in plain if name.startswith("net.encoder_layers.")}
        with torch.device("meta"):
            network = cls(bands, width, len(layers), plain["output_proj.weight"].shape[0])
        network.load_state_dict(plain, assign=True)
        return network.eval().requires_grad_(False)

    def forward(self, mel: Tensor) -> Tensor:
        """Turn a mel (batch, bands, frames) into (batch, frames, steps) from 0 to 1."""
        x = self.input_stack(mel)
        for layer in self.net["encoder_layers"].children():
            x = layer(x)
        return torch.sigmoid(self.output_proj(self.norm(x.transpose(1, 2))))

    def pitch(self, sound: Tensor, threshold: float = THRESHOLD) -> Tensor:
        """Turn (batch, samples) into Hz (batch, samples // 160 + 1), with 0 for unvoiced."""
        likely = self(fcpe_mel(sound))
        return weighted_pitch(likely, self.cent_table, threshold, repeats_edge=True)


def fcpe_mel(sound: Tensor) -> Tensor:
    """Turn (batch, samples) into (batch, bands, samples // 160 + 1); the last frame comes twice."""
    frames = sound.shape[1] // MEL.hop + 1
    if sound.shape[1] < MEL.fft:  # too short to be mirrored at its ends
        sound = functional.pad(sound, (0, MEL.fft - sound.shape[1]))
    mel = log_mel(sound, MEL)
    return torch.cat((mel, mel[:, :, -1:]), 2)[:, :, :frames]


def _is_unused(name: str) -> bool:
    """Tell what the file holds for training, and for attention that these networks do without."""
    in_layer = name.startswith("net.encoder_layers.")
    return name == "gaussian_blurred_cent_mask" or (in_layer and name.split(".")[3] == "norm")
