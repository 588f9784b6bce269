"""Weight files laid out like the public ones, with small random tensors."""

from __future__ import annotations

import pathlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from realtime.engines.valle.networks.encodec import Encodec, EncodecShape
from realtime.engines.valle.weights import ENCODEC
from realtime.settings import ModelsSettings, PresetsSettings, Settings

VOCOS_YAML = """
feature_extractor:
  class_path: vocos.feature_extractors.EncodecFeatures
  init_args: {encodec_model: encodec_24khz, bandwidths: [1.5, 3.0, 6.0, 12.0]}
backbone:
  class_path: vocos.models.VocosBackbone
  init_args: {input_channels: 128, dim: 384, intermediate_dim: 1152, num_layers: 8}
head:
  class_path: vocos.heads.ISTFTHead
  init_args: {dim: 384, n_fft: 1280, hop_length: 320, padding: same}
"""


def settings_in(folder: Path) -> Settings:
    """Return settings whose models and presets are in a folder."""
    (folder / "presets").mkdir(exist_ok=True)
    return Settings(
        models=ModelsSettings(path=folder / "models"),
        presets=PresetsSettings(path=folder / "presets"),
    )


def weight_path(settings: Settings, name: str) -> Path:
    """Return where a file of VALL-E X belongs, and make its folder."""
    path = settings.models.path / "valle" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def small_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Make some tensors, two of them tied as in the checkpoint."""
    generator = torch.Generator().manual_seed(seed)
    tied = torch.randn(4, 3, generator=generator)
    return {
        "ar_predict_layer.weight": torch.randn(5, 3, generator=generator),
        "nar_predict_layers.0.weight": tied,
        "nar_audio_embeddings.2.word_embeddings.weight": tied,
    }


def write_checkpoint(settings: Settings, **besides: Any) -> Path:
    """Write a file like the public one: tensors under `model`, and paths that training left."""
    path = weight_path(settings, "vallex-checkpoint.pt")
    left = {"epoch": 3, "best_train_loss": 1.5, "exp_dir": pathlib.PosixPath("/exp")}
    torch.save({"model": small_state(), **left, **besides}, path)
    return path


def write_vocos(settings: Settings, yaml: str = VOCOS_YAML) -> Path:
    weight_path(settings, "vocos/config.yaml").write_text(yaml, encoding="utf-8")
    path = weight_path(settings, "vocos/pytorch_model.bin")
    torch.save(small_state(1), path)
    return path


def write_encodec(settings: Settings) -> Path:
    """Write a small codec in the converted form, as the digest of the public one is checked."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = Encodec(EncodecShape(filters=2, features=16))
        for level in network.quantizer.get_submodule("vq.layers").children():
            level.get_buffer("_codebook.embed").normal_(0.0, 0.1)
    path = weight_path(settings, str(ENCODEC.converted))
    save_file(network.state_dict(), path)
    return path
