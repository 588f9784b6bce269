"""Vocoders for tests: the published numbers, and small ones that are quick."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.vocoders.networks import bigvgan, hifigan
from realtime.vocoders.networks.base import MelNet
from realtime.vocoders.networks.bigvgan import BigVGAN
from realtime.vocoders.networks.hifigan import Generator

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NETWORKS: dict[str, tuple[Any, Any]] = {
    "bigvgan_tiny": (BigVGAN, bigvgan.BigVGANShape),
    "generator_v4_tiny": (Generator, hifigan.GeneratorShape),
}


def state(name: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Read the configuration and the weights as the file has them."""
    with np.load(FIXTURES / f"{name}.npz", allow_pickle=False) as file:
        names = [key for key in file.files if key.startswith("w.")]
        weights = {key[2:]: torch.from_numpy(file[key]) for key in names}
        return json.loads(str(file["config"])), weights


def example(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Read a mel, and the sound that the original makes of it."""
    with np.load(FIXTURES / f"{name}.npz", allow_pickle=False) as file:
        return torch.from_numpy(file["in.mel"]), torch.from_numpy(file["out.audio"])


def network(name: str) -> MelNet:
    kind, shape = NETWORKS[name]
    config, weights = state(name)
    known = {field.name for field in dataclasses.fields(shape)}
    made: MelNet = kind(shape(**{key: config[key] for key in config if key in known}))
    made.load_state_dict(fold_weight_norm(weights))
    return made.eval().requires_grad_(False)


def small(kind: str) -> MelNet:
    """Make a network of few layers with loud random weights, so that a wrong join is heard."""
    generator = torch.Generator().manual_seed(5)
    common: dict[str, Any] = {
        "upsample_rates": (4, 2),
        "upsample_kernel_sizes": (8, 4),
        "upsample_initial_channel": 8,
        "resblock_kernel_sizes": (3, 5),
        "resblock_dilation_sizes": ((1, 3), (1, 2)),
    }
    made: MelNet = (
        BigVGAN(bigvgan.BigVGANShape(num_mels=6, **common))
        if kind == "bigvgan"
        else Generator(hifigan.GeneratorShape(initial_channel=6, **common))
    )
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.35)
        made.conv_post.weight *= 0.02  # no clipping, which would hide errors
    return made.eval().requires_grad_(False)
