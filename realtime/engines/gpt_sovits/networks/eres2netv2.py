"""ERes2NetV2: a vector of the voice that is heard in a clip.

Its input are log energies of 80 bands, 100 times a second, as the Kaldi toolkit computes them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

RATE = 16_000  # Hz, of the sound
BANDS = 80
MOST = 20.0  # of the activations inside blocks, as published
STAGES = ("layer1", "layer2", "layer3", "layer4")
UNUSED = "seg_1."  # a shorter vector, which GPT-SoVITS does not take
State = Mapping[str, Tensor]


def bounded(x: Tensor) -> Tensor:
    return functional.hardtanh(x, 0.0, MOST)


class Fusion(nn.Module):
    """Two inputs added in shares that are computed from both."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * width, inner, 1),
            nn.BatchNorm2d(inner),
            nn.SiLU(),
            nn.Conv2d(inner, width, 1),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        share = torch.tanh(self.local_att(torch.cat([x, y], dim=1)))
        return x * (1.0 + share) + y * (1.0 - share)


class Block(nn.Module):
    """Convolutions over parts of the channels, each of which hears the part before it too."""

    def __init__(self, state: State, prefix: str, stride: int) -> None:
        super().__init__()
        inner, channels = state[f"{prefix}.conv1.weight"].shape[:2]
        width = state[f"{prefix}.convs.0.weight"].shape[0]
        outer = state[f"{prefix}.conv3.weight"].shape[0]
        self.width, parts = width, inner // width
        self.conv1 = nn.Conv2d(channels, inner, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.convs = nn.ModuleList(
            [nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(parts)]
        )
        self.bns = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(parts)])
        self.fuse_models: nn.ModuleList | None = None
        name = f"{prefix}.fuse_models.0.local_att.0.weight"
        if name in state:
            fusions = [Fusion(width, state[name].shape[0]) for _ in range(parts - 1)]
            self.fuse_models = nn.ModuleList(fusions)
        self.conv3 = nn.Conv2d(inner, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != outer:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
            )

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(bounded(self.bn1(self.conv1(x))), self.width, dim=1)
        heard: list[Tensor] = []
        for at, part in enumerate(parts):
            if at and self.fuse_models is not None:
                part = self.fuse_models[at - 1](heard[-1], part)
            elif at:
                part = heard[-1] + part
            heard.append(bounded(self.bns[at](self.convs[at](part))))
        joined = self.bn3(self.conv3(torch.cat(heard, dim=1)))
        return bounded(joined + self.shortcut(x))


class Eres2NetV2(nn.Module):
    """The network, with the parameter names of its published file; sizes are the file's."""

    def __init__(self, state: State) -> None:
        super().__init__()
        width = state["conv1.weight"].shape[0]
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for number, stage in enumerate(STAGES):
            blocks = {int(name.split(".")[1]) for name in state if name.startswith(stage + ".")}
            strides = [1 if at or not number else 2 for at in range(len(blocks))]
            made = [Block(state, f"{stage}.{at}", stride) for at, stride in enumerate(strides)]
            self.add_module(stage, nn.Sequential(*made))
        outer, channels = state["layer3_ds.weight"].shape[:2]
        self.layer3_ds = nn.Conv2d(channels, outer, 3, stride=2, padding=1, bias=False)
        self.fuse34 = Fusion(outer, state["fuse34.local_att.0.weight"].shape[0])

    @classmethod
    def loaded(cls, state: State) -> Eres2NetV2:
        """Build the network of a file's tensors; one that is missing or unknown is an error."""
        plain = {name: value for name, value in state.items() if not name.startswith(UNUSED)}
        network = cls(plain)
        network.load_state_dict(plain)
        return network.float().eval().requires_grad_(False)

    def forward(self, bands: Tensor) -> Tensor:
        """Turn (batch, frames, bands) into (batch, width)."""
        x = functional.relu(self.bn1(self.conv1(bands.transpose(1, 2).unsqueeze(1))))
        outputs = []
        for stage in STAGES:
            x = self.get_submodule(stage)(x)
            outputs.append(x)
        fused: Tensor = self.fuse34(outputs[3], self.layer3_ds(outputs[2]))
        return fused.flatten(1, 2).mean(dim=2)


def kaldi_bands(sound: Tensor) -> Tensor:
    """Turn (batch, samples) at 16 kHz into (batch, frames, bands)."""
    from torchaudio.compliance.kaldi import fbank

    made = [fbank(each[None], num_mel_bins=BANDS, sample_frequency=RATE) for each in sound]
    return torch.stack(made)
