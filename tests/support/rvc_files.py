"""Files of RVC in the published formats, with the small weights of the fixtures."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

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


def index_bytes(lists: Sequence[np.ndarray], sparse: bool = False, metric: int = 1) -> bytes:
    """Write vectors in lists as faiss writes an index of them; the ids count on."""
    numbers = lists[0].shape[1]
    count = sum(map(len, lists))
    centroids = np.stack([each.mean(0) if len(each) else np.full(numbers, 9.0) for each in lists])

    def header(vectors: int) -> bytes:
        return struct.pack("<iqqqBi", numbers, vectors, 1 << 20, 1 << 20, 1, metric)

    parts = [b"IwFl", header(count), struct.pack("<QQ", len(lists), 1)]
    parts += [b"IxF2", header(len(lists)), struct.pack("<Q", centroids.size)]
    parts += [centroids.astype("<f4").tobytes(), struct.pack("<BQ", 0, 0)]
    parts += [b"ilar", struct.pack("<QQ", len(lists), 4 * numbers)]
    if sparse:
        pairs = [number for at, each in enumerate(lists) if len(each) for number in (at, len(each))]
        parts += [b"sprs", struct.pack(f"<Q{len(pairs)}Q", len(pairs), *pairs)]
    else:
        parts += [b"full", struct.pack(f"<Q{len(lists)}Q", len(lists), *map(len, lists))]
    first = 0
    for each in lists:
        parts += [each.astype("<f4").tobytes(), np.arange(first, first + len(each)).tobytes()]
        first += len(each)
    return b"".join(parts)


def write_index(path: Path, numbers: int = 768, seed: int = 0) -> Path:
    random = np.random.default_rng(seed)
    lists = [random.standard_normal((size, numbers)).astype(np.float32) for size in (12, 20, 9)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(index_bytes(lists))
    return path
