"""An environment for IndexTTS with the stand-in of its package, and files for its weights."""

from __future__ import annotations

import os
import sysconfig
import venv
from pathlib import Path

import numpy as np

from realtime.audio.wav import wav_header
from realtime.engines.outside.adapters.indextts import FILES

PACKAGES = Path(__file__).resolve().parent / "indextts_package"


def make_environment(folder: Path) -> Path:
    """Make an environment of its own; return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    own = next((folder / "lib").glob("python*")) / "site-packages"
    lines = (sysconfig.get_paths()["purelib"], str(PACKAGES))
    (own / "stand_in.pth").write_text("\n".join(lines), encoding="utf-8")
    return folder / "bin" / "python"


def bring_files(models: Path) -> None:
    for name, _ in FILES:
        path = models / "indextts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))


def write_character(presets: Path, name: str, emotion: str = "", more: str = "") -> None:
    """Write a card with its clip."""
    said = f", emotion: {emotion}" if emotion else ""
    card = f"engine: indextts\nvoice: {{reference: {name}.wav{said}{more}}}\n"
    (presets / f"{name}.yaml").write_text(card, encoding="utf-8")
    write_clip(presets / f"{name}.wav", sum(map(ord, name)))


def write_clip(path: Path, seed: int) -> None:
    pcm = np.random.default_rng(seed).integers(-999, 999, 8_000, np.int16)
    path.write_bytes(wav_header(8_000, pcm.size) + pcm.tobytes())
