"""Features of a voice as RVC's networks take them: content twice as often, coarse pitches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Coarse = npt.NDArray[np.int64]

LOWEST, HIGHEST = 50.0, 1_100.0  # Hz, between which coarse pitches lie
STEPS = 255  # of coarse pitches, the first for no pitch
AGAIN = 2  # frames of pitch for one of content


def shift_pitch(pitch: Floats, semitones: float) -> Floats:
    """Return a pitch in Hz moved by semitones; 0, no pitch, stays."""
    shifted: Floats = pitch * 2.0 ** (semitones / 12.0)
    return shifted


def coarse_pitch(pitch: npt.NDArray[np.floating]) -> Coarse:
    """Return pitches in Hz as whole numbers from 1 to 255 on a mel scale; 0 Hz is 1."""
    lowest, highest = _mel(np.array([LOWEST, HIGHEST]))
    mel = _mel(np.asarray(pitch, np.float64))
    steps = np.where(mel > 0, (mel - lowest) * (STEPS - 1) / (highest - lowest) + 1, 0.0)
    coarse: Coarse = np.rint(np.clip(steps, 1, STEPS)).astype(np.int64)
    return coarse


def repeat_frames(content: Singles, frames: int) -> Singles:
    """Return so many frames of 10 ms of content every 20 ms; the last one goes on."""
    doubled = np.repeat(content, AGAIN, axis=0)
    missing = frames - len(doubled)
    return doubled[:frames] if missing <= 0 else np.pad(doubled, ((0, missing), (0, 0)), "edge")


def protect_unvoiced(blended: Singles, own: Singles, pitch: Floats, protect: float) -> Singles:
    """Return blended features, and a share `protect` of them where there is no pitch.

    The rest is the speaker's own: consonants and breath, which an index makes buzz. All arguments
    are of frames of 10 ms. From 0.5 on nothing is protected, as published.
    """
    if protect >= 0.5:
        return blended
    share = np.where(pitch < 1.0, protect, 1.0).astype(np.float32)[:, None]
    protected: Singles = blended * share + own * (1 - share)
    return protected


def _mel(hertz: Floats) -> Floats:
    mel: Floats = 1127.0 * np.log1p(hertz / 700.0)
    return mel
