"""Files of small vocoders, where people put theirs."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.support.small_vocoders import state


def bring_bigvgan(models: Path, name: str = "bigvgan_tiny") -> Path:
    """Write BigVGAN's files as published: with weight norm, under the key `generator`."""
    folder = models / "bigvgan"
    folder.mkdir(parents=True)
    config, weights = state(name)
    (folder / "config.json").write_text(json.dumps(config))
    torch.save({"generator": weights}, folder / "bigvgan_generator.pt")
    return folder


def bring_hifigan(models: Path) -> Path:
    """Write HiFi-GAN's file as published: the weights alone."""
    folder = models / "hifigan"
    folder.mkdir(parents=True)
    torch.save(state("generator_v4_tiny")[1], folder / "vocoder.pth")
    return folder
