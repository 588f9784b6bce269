"""The mel of a voice's own sound, which the flow makes finer and a vocoder sounds."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from realtime.networks.mel import MelFormat, framed_log_mel


def voice_mel(sound: Tensor, mel_format: MelFormat) -> Tensor:
    """Make (batch, bands, samples // hop) of (batch, samples).

    Edges are mirrored; a sound that is too short for that gets silence.
    """
    count, window, hop = sound.shape[1], mel_format.window, mel_format.hop
    left = (window - hop) // 2
    right = max((window - hop + 1) // 2, window - count - left)
    mode = "reflect" if right < count else "constant"
    padded = functional.pad(sound.unsqueeze(1), (left, right), mode=mode).squeeze(1)
    return framed_log_mel(padded, mel_format)
