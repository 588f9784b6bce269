"""Files as the public ones are laid out, with small random weights."""

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
    (folder / "presets").mkdir(exist_ok=True)
    return Settings(
        models=ModelsSettings(path=folder / "models"),
        presets=PresetsSettings(path=folder / "presets"),
    )


def place_of(settings: Settings, name: str) -> Path:
    path = settings.models.path / "valle" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Some tensors, two of them tied as in the checkpoint."""
    random = torch.Generator().manual_seed(seed)
    tied = torch.randn(4, 3, generator=random)
    return {
        "ar_predict_layer.weight": torch.randn(5, 3, generator=random),
        "nar_predict_layers.0.weight": tied,
        "nar_audio_embeddings.2.word_embeddings.weight": tied,
    }


def checkpoint(settings: Settings, **besides: Any) -> Path:
    """As the public one: tensors under `model`, and what training left, paths among it."""
    path = place_of(settings, "vallex-checkpoint.pt")
    left = {"epoch": 3, "best_train_loss": 1.5, "exp_dir": pathlib.PosixPath("/exp")}
    torch.save({"model": state(), **left, **besides}, path)
    return path


def vocos(settings: Settings, yaml: str = VOCOS_YAML) -> Path:
    place_of(settings, "vocos/config.yaml").write_text(yaml, encoding="utf-8")
    path = place_of(settings, "vocos/pytorch_model.bin")
    torch.save(state(1), path)
    return path


def encodec(settings: Settings) -> Path:
    """A small codec in the converted form, which no published digest belongs to."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = Encodec(EncodecShape(filters=2, features=16))
        for level in network.quantizer.get_submodule("vq.layers").children():
            level.get_buffer("_codebook.embed").normal_(0.0, 0.1)
    path = place_of(settings, str(ENCODEC.converted))
    save_file(network.state_dict(), path)
    return path
