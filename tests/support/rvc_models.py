"""A models folder with voices of RVC that have small random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from realtime.audio.samples import Samples
from realtime.engines.contract import CancelToken
from realtime.engines.rvc.engine import Rvc
from realtime.engines.voice_change import VoiceChange
from realtime.settings import ModelsSettings, Settings
from tests.support.contentvec_files import write_content
from tests.support.rvc_files import write_index, write_voice

STEP = 320  # samples of a content feature


def bring_rvc(folder: Path, names: Sequence[str] = ("nana",)) -> Settings:
    """Write voices with their indexes, and what they share."""
    for seed, name in enumerate(names):
        write_voice(folder / "rvc" / f"{name}.pth", seed=seed)
        write_index(folder / "rvc" / f"added_IVF3_Flat_nprobe_1_{name}_v2.index", seed=seed)
    write_content(folder)
    return Settings(models=ModelsSettings(path=folder, devices={"rvc": "cpu"}))


class FixedPitch:
    """An estimator that finds one pitch everywhere."""

    def load(self) -> None: ...

    def pitch(self, sound: Samples) -> Samples:
        return np.full(sound.size // 160 + 1, 150.0, np.float32)


def local_content(sound: Samples) -> Samples:
    """Return features that depend on their own 20 ms alone, unlike an encoder's."""
    rows = sound[: sound.size // STEP * STEP].reshape(-1, STEP)[:-1]
    weights = np.random.default_rng(1).standard_normal((STEP, 768)).astype(np.float32)
    loud = np.abs(np.fft.rfft(rows, 2 * STEP))[:, :STEP].astype(np.float32)
    return np.tanh(0.15 * (loud @ weights))


def convert(engine: Rvc, sound: Samples, block: int, change: VoiceChange) -> Samples:
    blocks = [sound[at : at + block] for at in range(0, sound.size - block + 1, block)]
    return np.concatenate(list(engine.convert(iter(blocks), change, CancelToken())))
