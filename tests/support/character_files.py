"""Voices, cards and folders of characters, for tests."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime.characters import Characters
from realtime.characters.voices import VoicePacks

DEFAULTS = {"en": "ann", "zh": "ann", "ja": "ben", "mix": "ann"}


class FakeClock:
    """A clock whose time passes only when a test changes `now`."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def random_style(seed: int = 0, dtype: Any = np.float32) -> npt.NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(510, 256)).astype(dtype)


def random_prompt(frames: int = 75, letters: int = 9, code: Any = 1) -> dict[str, npt.NDArray[Any]]:
    random = np.random.default_rng(frames)
    return {
        "audio_tokens": random.integers(0, 1024, (1, frames, 8)),
        "text_tokens": random.integers(5, 70, (1, letters)),
        "lang_code": np.array(code),
    }


def save_voice(folder: Path, name: str, **arrays: Any) -> Path:
    path = folder / f"{name}.npz"
    np.savez(path, **(arrays or {"style": random_style()}))
    return path


def save_card(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def zip_of(**entries: bytes) -> bytes:
    """Zip raw bytes into an npz file that numpy would not write."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return made.getvalue()


def set_changed(path: Path, seconds: float) -> None:
    """Set the time of the last change, however coarse the file system's clock is."""
    os.utime(path, (seconds, seconds))


def characters_in(
    folder: Path,
    clock: FakeClock | None = None,
    engines: Collection[str] = (),
    defaults: Mapping[str, str] = DEFAULTS,
) -> Characters:
    """Read a folder's characters, without the voices that packages bring."""
    return Characters(folder, defaults, engines, clock=clock or FakeClock(), packs=VoicePacks(()))
