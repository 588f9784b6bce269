"""Files of RVC in the published formats, with the small weights of the fixtures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.converter_index import index_bytes
from tests.support.converter_files import ConverterReference

VOICES = {
    ("v1", True): "rvc_v1_tiny",
    ("v2", True): "rvc_v2_40k_tiny",
    ("v2", False): "rvc_v2_32k_nof0_tiny",
}


def voice_content(version: str = "v2", pitch: bool = True, seed: int = 0) -> dict[str, Any]:
    """Return what a voice file holds; another seed is another voice of the same sizes."""
    reference = ConverterReference(VOICES[version, pitch])
    weight = {name: value.half() for name, value in reference.state().items()}
    if seed:
        random = torch.Generator().manual_seed(seed)
        weight = {
            name: (value * (1 + 0.3 * torch.randn(value.shape, generator=random))).half()
            for name, value in weight.items()
        }
    config = reference.facts("config")["config"]
    return {
        "weight": weight,
        "config": config,
        "info": "20epoch",
        "sr": f"{config[-1] // 1000}k",
        "f0": int(pitch),
        "version": version,
    }


def write_voice(
    path: Path,
    version: str = "v2",
    pitch: bool = True,
    seed: int = 0,
    changed: Mapping[str, Any] | None = None,
) -> Path:
    """Write a voice file; a changed value replaces one of its content, None takes it away."""
    content = voice_content(version, pitch, seed) | dict(changed or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: value for name, value in content.items() if value is not None}, path)
    return path


def write_index(path: Path, numbers: int = 768, seed: int = 0) -> Path:
    random = np.random.default_rng(seed)
    lists = [random.standard_normal((size, numbers)).astype(np.float32) for size in (12, 20, 9)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(index_bytes(lists))
    return path
