"""Characters of GPT-SoVITS with small files in the published formats."""

from __future__ import annotations

from pathlib import Path

import soundfile

from realtime.settings import CacheSettings, ModelsSettings, PresetsSettings, Settings
from tests.support import gpt_sovits_files as files
from tests.support.vocoder_files import bring_bigvgan, bring_hifigan
from tests.support.voice_like_sound import voice

RATE = 32_000
SAID = "今日はいい天気ですね。"


def settings_in(folder: Path) -> Settings:
    """Return settings whose models, presets and cache are in a folder."""
    return Settings(
        models=ModelsSettings(path=folder / "models"),
        presets=PresetsSettings(path=folder / "presets"),
        cache=CacheSettings(path=folder / "cache"),
    )


def bring_pair(settings: Settings, name: str, version: str = "v2ProPlus", seed: int = 0) -> str:
    """Put both files of a model into a folder of its own; return the model's name."""
    folder = settings.models.path / "gpt_sovits" / name
    files.write_gpt(folder / f"{name}-e15.ckpt", version, seed, ends=True)
    files.write_sovits(folder / f"{name}_e8.pth", version, seed)
    return f"{name}-e15+{name}_e8"


def bring_character(settings: Settings, name: str, pair: str, pitch: float = 140.0) -> None:
    """Put a character there: its card, and a clip of four seconds."""
    folder = settings.presets.path
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{name}.wav", voice(4.0, pitch, RATE), RATE)
    (folder / f"{name}.yaml").write_text(
        f"""
engine: gpt_sovits
voice:
  gpt: {pair}/{pair}-e15.ckpt
  sovits: {pair}/{pair}_e8.pth
  reference: {name}.wav
  text: {SAID}
  language: ja
""",
        encoding="utf-8",
    )


def bring_vocoder(settings: Settings, version: str) -> None:
    """Put the vocoder of v3 or v4 there."""
    if version == "v3":
        bring_bigvgan(settings.models.path)
    else:
        bring_hifigan(settings.models.path)
