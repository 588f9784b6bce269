"""Small voices of DDSP-SVC in the published formats, with random weights.

The fixtures' weights are used: their numbers make a sound that is heard.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from tests.support.converter_files import ConverterReference

NAMES = {"6.0": "ddsp_6_tiny", "6.1": "ddsp_61_tiny", "6.2": "ddsp_62_tiny", "6.3": "ddsp_63_tiny"}
VERSIONS = tuple(NAMES)
Weights = dict[str, Tensor]
Config = dict[str, Any]


def ddsp_weights(version: str, seed: int = 0) -> Weights:
    """Return the weights of a fixture, or others like them."""
    found = ConverterReference(NAMES[version]).state()
    if seed:
        generator = torch.Generator().manual_seed(seed)
        for name, value in found.items():
            if name.startswith(("ddsp_model.unit2ctrl.", "reflow_model.")) and value.numel() > 1:
                drawn = torch.randn(value.shape, generator=generator)
                found[name] = value.mean() + value.std() * drawn
    return found


def ddsp_config(version: str) -> Config:
    """Return a configuration as the published programs write it, with keys that are not read."""
    own = ConverterReference(NAMES[version]).facts("config")
    doubled = version in ("6.2", "6.3")
    data = {
        **own["data"],
        "encoder": "contentvec768l12tta2x" if doubled else "contentvec768l12",
        "encoder_sample_rate": 16_000,
        "encoder_hop_size": 160 if doubled else 320,
        "f0_extractor": "rmvpe",
        "f0_min": 65,
        "f0_max": 800,
    }
    if doubled:
        data["volume_smooth_size"] = 8_192 if version == "6.2" else 1_024
    return {
        "data": data,
        "model": {**own["model"], "t_start": 0.0 if doubled else 0.7},
        "vocoder": {"type": "nsf-hifigan", "ckpt": "pretrain/nsf_hifigan/model"},
        "infer": {"infer_step": 3, "method": "euler"},
        "train": {"lr": 0.0005},
        "enhance": True,
    }


def write_ddsp_voice(
    folder: Path,
    version: str = "6.1",
    *,
    step: int = 100,
    seed: int = 0,
    state: Weights | None = None,
    config: Config | None = None,
) -> Path:
    """Write `config.yaml` and `model_STEP.pt`, as training does; return the latter's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(
        yaml.safe_dump(ddsp_config(version) if config is None else config), encoding="utf-8"
    )
    path = folder / f"model_{step}.pt"
    model = ddsp_weights(version, seed) if state is None else state
    torch.save({"global_step": step, "model": model, "optimizer": {"state": {}}}, path)
    return path
