"""Another rate for the sound of a clip, with the filter that GPT-SoVITS was trained with."""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor

# Numbers of a filter: 560,000 from 11,025 to 32,000 Hz, but 1,400 million from 44,101 Hz.
MOST_FILTER = 2_000_000


def resample(sound: Tensor, source: int, target: int) -> Tensor:
    """Turn (batch, samples) at one rate into (batch, samples) at another.

    Odd rates would need filters of gigabytes, and go through another library first.
    """
    common = gcd(source, target)
    if (source // common) * (target // common) <= MOST_FILTER:
        from torchaudio.functional import resample as sinc_resample

        resampled: Tensor = sinc_resample(sound, source, target)
        return resampled
    import soxr

    made = soxr.resample(sound.T.cpu().numpy(), source, target, quality="HQ")
    return torch.from_numpy(made).T.to(sound.device)
