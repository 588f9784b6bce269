"""Small voices of DDSP-SVC and a vocoder in the published formats.

The weights are those of the reference numbers, or others like them: they make sound.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from realtime.settings import ModelsSettings, Settings
from realtime.vocoders.networks.pitched_generator import PitchedGenerator, PitchedShape
from tests.support.contentvec_files import write_content
from tests.support.converter_files import ConverterReference

NAMES = {"6.0": "ddsp_6_tiny", "6.1": "ddsp_61_tiny", "6.2": "ddsp_62_tiny", "6.3": "ddsp_63_tiny"}
VERSIONS = tuple(NAMES)
CONTENT_WIDTH = 768  # of ContentVec
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


def widened(state: Weights, units: int) -> Weights:
    """Return the weights for content of another width, in place of the first columns."""
    name = "ddsp_model.unit2ctrl.stack.0.weight"
    name = name if name in state else f"{name}_v"
    generator = torch.Generator().manual_seed(units)
    outer, inner, kernel = state[name].shape
    drawn = torch.randn(outer, units, kernel, generator=generator)
    spread = float(state[name].std()) * (inner / units) ** 0.5
    return {**state, name: drawn * spread}


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


def write_small_vocoder(
    models: Path, version: str = "6.1", *, config: Config | None = None, seed: int = 5
) -> Path:
    """Write NSF-HiFiGAN with the mel of a version's small voices; return its folder."""
    mel = ConverterReference(NAMES[version]).facts("config")["mel"]
    rates = {512: [8, 8, 2, 2, 2], 64: [8, 2, 2, 2]}[mel["hop_size"]]
    found = {
        **mel,
        "resblock": "1",
        "upsample_rates": rates,
        "upsample_kernel_sizes": [2 * rate for rate in rates],
        "upsample_initial_channel": 32,
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]],
        "mini_nsf": False,
        "pc_aug": False,
        **(config or {}),
    }
    state = vocoder_weights(found, seed)
    folder = models / "nsf_hifigan"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(found), encoding="utf-8")
    torch.save({"generator": state}, folder / "model")
    return folder


def vocoder_weights(config: Config, seed: int) -> Weights:
    shape = PitchedShape(
        config["num_mels"],
        upsample_rates=config["upsample_rates"],
        upsample_initial_channel=config["upsample_initial_channel"],
        upsample_kernel_sizes=config["upsample_kernel_sizes"],
        resblock_kernel_sizes=config["resblock_kernel_sizes"],
        resblock_dilation_sizes=config["resblock_dilation_sizes"],
        rate=config["sampling_rate"],
        sine=config["mini_nsf"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return dict(PitchedGenerator(shape).state_dict())


def settings_with_voices(models: Path, *versions: str) -> Settings:
    """Write a voice of each version, named by it, and all that they share."""
    for version in versions:
        write_ddsp_voice(
            models / "ddsp_svc" / f"v{version}",
            version,
            state=widened(ddsp_weights(version), CONTENT_WIDTH),
        )
    write_small_vocoder(models, versions[0])
    write_content(models)
    return Settings(models=ModelsSettings(path=models))
