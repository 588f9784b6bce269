"""A small VALL-E X with random weights, in files laid out like the public ones, and a voice."""

from __future__ import annotations

import math
import pathlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from realtime.engines.valle.codes import END
from realtime.engines.valle.networks import checkpoint as networks
from realtime.engines.valle.networks import vocos
from realtime.engines.valle.presets import Prompt, pack_prompt
from realtime.settings import (
    CacheSettings,
    ModelsSettings,
    PresetsSettings,
    Settings,
    ValleSettings,
)
from tests.support import valle_cases
from tests.support.valle_files import VOCOS_YAML, weight_path

SHAPE = networks.ValleShape(64, 16, 2)
FRAMES = 60  # of the voice's prompt
NAME = "small"


def settings_for(settings: Settings, folder: Path) -> Settings:
    """Return the settings with all files in one folder, on a processor in fp32."""
    return replace(
        settings,
        models=ModelsSettings(path=folder / "models", threads=1, retry_seconds=0.0),
        presets=PresetsSettings(path=folder / "presets"),
        cache=CacheSettings(path=folder / "cache"),
        valle=ValleSettings(device="cpu", precision="fp32", plan="eager"),
    )


def make_checkpoint(frames: float = 100.0, seed: int = 0) -> dict[str, torch.Tensor]:
    """Make the tensors of a model whose lines end after about so many frames."""
    model = valle_cases.small_network(seed, SHAPE)
    table = model.ar_predict_layer.weight
    # The first number after the norm is made constant: its weight sets how likely an end is.
    table[:, 0] = 0.0
    table[END] = 0.0
    norm = model.ar_decoder.norm
    norm.weight[0], norm.bias[0] = 0.0, 1.0  # type: ignore[index, operator]
    spread = float(table[0].square().sum()) / 2
    table[END, 0] = math.log(1024) + spread - math.log(frames)
    return model.state_dict()


def make_vocos(seed: int = 1) -> dict[str, torch.Tensor]:
    """Make the tensors of a Vocos whose sound is not silent."""
    torch.manual_seed(seed)
    network = vocos.Vocos(vocos.VocosShape(width=32, inner=64, layers=2))
    with torch.no_grad():
        network.feature_extractor.codebook_weights.normal_()
        network.head.out.bias[: vocos.WINDOW // 2 + 1] = 1.0
    return network.state_dict()


def write_files(settings: Settings, frames: float = 100.0) -> None:
    """Write the model's files among the models, and its voice among the characters."""
    left = {"epoch": 3, "exp_dir": pathlib.PosixPath("/exp")}
    path = weight_path(settings, "vallex-checkpoint.pt")
    torch.save({"model": make_checkpoint(frames), **left}, path)
    weight_path(settings, "vocos/config.yaml").write_text(VOCOS_YAML, encoding="utf-8")
    torch.save(make_vocos(), weight_path(settings, "vocos/pytorch_model.bin"))
    write_voice(settings.presets.path)


def make_prompt(frames: int = FRAMES, language: str = "en", seed: int = 3) -> Prompt:
    generator = np.random.default_rng(seed)
    ids = tuple(int(number) for number in generator.integers(13, 65, size=12))
    return Prompt(generator.integers(0, 1024, size=(frames, 8)), ids, language)


def write_voice(folder: Path, name: str = NAME, frames: int = FRAMES) -> None:
    (folder / f"{name}.npz").write_bytes(pack_prompt(make_prompt(frames)))
