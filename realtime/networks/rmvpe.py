"""RMVPE: the pitch of a voice at 16 kHz, every 10 ms, seen in its mel as in a picture.

A U-net halves time and frequency five times. Its answer depends on the sound of seconds around, so
it needs a window of many frames, and the last frames are the least certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.networks.mel import MelFormat, framed_log_mel
from realtime.networks.pitch_bins import weighted_pitch

MEL = MelFormat(16_000, 1_024, 160, 1_024, 128, 30.0, 8_000.0, tiny=0.0, htk=True)
THRESHOLD = 0.03  # of a voiced frame, as published
STEPS = 360
FIRST_CENTS, STEP_CENTS = 1997.3794084376191, 20.0  # above 10 Hz, as published
UNUSED = "unet.tf."  # of some files, which nothing reads


@dataclass(frozen=True)
class RmvpeShape:
    """The sizes of the network; the published ones are the defaults."""

    blocks: int = 4  # of each level
    levels: int = 5  # of the encoder, and of the decoder
    between: int = 4  # levels at the bottom
    channels: int = 16  # of the first level
    answers: int = 3  # channels behind the decoder
    hidden: int = 256
    recurrent: int = 1  # layers


class PictureBlock(nn.Module):
    """Two convolutions whose output is added to their input."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.shortcut = nn.Conv2d(channels, width, 1) if channels != width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.conv(x) + self.shortcut(x)
        return added


class PictureLevel(nn.Module):
    """Blocks of one size."""

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        first, *others = (PictureBlock(width if n else channels, width) for n in range(blocks))
        self.conv = nn.Sequential(first, *others)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(x)
        return output


class LargerLevel(nn.Module):
    """A level that doubles time and frequency, and joins what the encoder had at this size."""

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        larger = nn.ConvTranspose2d(
            channels, width, 3, stride=2, padding=1, output_padding=1, bias=False
        )
        self.conv1 = nn.Sequential(larger, nn.BatchNorm2d(width), nn.ReLU())
        self.conv2 = PictureLevel(2 * width, width, blocks).conv

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        output: Tensor = self.conv2(torch.cat((self.conv1(x), kept), 1))
        return output


class PictureEncoder(nn.Module):
    """Levels that halve time and frequency, and keep what they had before."""

    def __init__(self, shape: RmvpeShape) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(1)
        widths = [1, *(shape.channels << level for level in range(shape.levels))]
        self.layers = nn.ModuleList(
            [
                PictureLevel(each, width, shape.blocks)
                for each, width in zip(widths[:-1], widths[1:], strict=True)
            ]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, kept = self.bn(x), []
        for layer in self.layers:
            kept.append(layer(x))
            x = functional.avg_pool2d(kept[-1], 2)
        return x, kept


class PictureNet(nn.Module):
    """The U-net."""

    def __init__(self, shape: RmvpeShape) -> None:
        super().__init__()
        self.encoder = PictureEncoder(shape)
        bottom = shape.channels << shape.levels
        levels = [
            PictureLevel(bottom if n else bottom // 2, bottom, shape.blocks)
            for n in range(shape.between)
        ]
        self.intermediate = nn.ModuleDict({"layers": nn.ModuleList(levels)})
        larger = [
            LargerLevel(bottom >> n, bottom >> (n + 1), shape.blocks) for n in range(shape.levels)
        ]
        self.decoder = nn.ModuleDict({"layers": nn.ModuleList(larger)})

    def forward(self, x: Tensor) -> Tensor:
        x, kept = self.encoder(x)
        for layer in self.intermediate["layers"].children():
            x = layer(x)
        for layer in self.decoder["layers"].children():
            x = layer(x, kept.pop())
        return x


class BothWays(nn.Module):
    """A recurrent network that reads the frames forwards and backwards."""

    def __init__(self, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, hidden, layers, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.gru(x)[0]
        return output


class Rmvpe(nn.Module):
    """The network, with the parameter names of its published file."""

    def __init__(self, shape: RmvpeShape = RmvpeShape()) -> None:
        super().__init__()
        self.unet = PictureNet(shape)
        self.cnn = nn.Conv2d(shape.channels, shape.answers, 3, padding=1)
        self.fc = nn.Sequential(
            BothWays(shape.answers * MEL.bands, shape.hidden, shape.recurrent),
            nn.Linear(2 * shape.hidden, STEPS),
        )
        self._multiple = 1 << shape.levels  # of frames, which are halved at each level

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> Rmvpe:
        """Build the network of a file's tensors; one that is missing or unknown is an error."""
        plain = {
            name: value.float() if value.is_floating_point() else value
            for name, value in state.items()
            if not name.startswith(UNUSED)
        }
        with torch.device("meta"):
            network = cls(rmvpe_shape_of(plain))
        network.load_state_dict(plain, assign=True)
        return network.eval().requires_grad_(False)

    def forward(self, mel: Tensor) -> Tensor:
        """Turn a mel (batch, bands, frames) into (batch, frames, steps) from 0 to 1."""
        frames = mel.shape[2]
        # The published program fills with zeros, though silence is far below in a logarithm.
        mel = functional.pad(mel, (0, -frames % self._multiple))
        x = self.cnn(self.unet(mel.transpose(1, 2).unsqueeze(1)))
        answer: Tensor = self.fc(x.transpose(1, 2).flatten(2))
        return torch.sigmoid(answer[:, :frames])

    def pitch(self, sound: Tensor, threshold: float = THRESHOLD) -> Tensor:
        """Turn (batch, samples) into Hz (batch, samples // 160 + 1), with 0 for unvoiced."""
        return rmvpe_pitch(self(rmvpe_mel(sound)), threshold)


def rmvpe_mel(sound: Tensor) -> Tensor:
    """Turn (batch, samples) into (batch, bands, samples // 160 + 1)."""
    frames = sound.shape[1] // MEL.hop + 1
    if sound.shape[1] < MEL.fft:  # too short to be mirrored at its ends
        sound = functional.pad(sound, (0, MEL.fft - sound.shape[1]))
    pad = MEL.fft // 2  # so that a frame's middle lies at each hop
    sound = functional.pad(sound.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    return framed_log_mel(sound, MEL)[:, :, :frames]


def rmvpe_pitch(likely: Tensor, threshold: float = THRESHOLD) -> Tensor:
    """Turn (batch, frames, steps) into Hz in 64 bits, as the published program decodes it."""
    places = torch.arange(STEPS, dtype=torch.float64, device=likely.device)
    return weighted_pitch(likely.double(), FIRST_CENTS + STEP_CENTS * places, threshold)


def rmvpe_shape_of(state: Mapping[str, Tensor]) -> RmvpeShape:
    """Read the sizes from the tensors."""
    first = "unet.encoder.layers.0.conv."
    gru = "fc.0.gru.weight_hh_l"
    return RmvpeShape(
        _count(state, first),
        _count(state, "unet.encoder.layers."),
        _count(state, "unet.intermediate.layers."),
        state[f"{first}0.conv.0.weight"].shape[0],
        state["cnn.weight"].shape[0],
        state[f"{gru}0"].shape[1],
        len([name for name in state if name.startswith(gru) and not name.endswith("_reverse")]),
    )


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    """Count the modules of a list by the numbers in the names."""
    return len({name[len(prefix) :].partition(".")[0] for name in state if name.startswith(prefix)})
