"""The command that makes a character of a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.audio.wav import wav_file
from realtime.cli import clone
from realtime.cli.commands import parse_arguments
from realtime.errors import BadRequest, TooLarge, Unavailable, YamabikoError
from realtime.settings import Settings
from tests.cloning.test_pair_choice import bring
from tests.support import valle_files
from tests.support.gpt_sovits_voices import settings_in
from tests.support.hidden_libraries import TORCH, hide
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

SAID = ("--text", "Good morning, this is how I speak.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = valle_files.settings_in(tmp_path)
    valle_files.write_encodec(settings)
    return settings


def clip(folder: Path, seconds: float = 4.0) -> Path:
    sound = pcm(np.resize(voice(1.5), round(24_000 * seconds)))
    path = folder / "clip.wav"
    path.write_bytes(wav_file(sound, 24_000))
    return path


async def make(settings: Settings, *arguments: object) -> int:
    return await clone.character(
        parse_arguments(["character", "make", *map(str, arguments)]), settings
    )


async def test_a_file_appears_and_is_told(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await make(settings, "Kai", clip(tmp_path), *SAID) == 0
    path = settings.presets.path / "Kai.npz"
    assert path.is_file()
    told = capsys.readouterr()
    assert str(path) in told.out and "speaks en" in told.out and "Kai.yaml" in told.err


async def test_a_character_of_gpt_sovits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path)
    bring(settings, "nana/nana.ckpt", "nana/nana.pth", "kyo/kyo.ckpt", "kyo/kyo.pth")
    said = (*SAID, "--engine", "gpt_sovits")
    with pytest.raises(BadRequest, match="there are: kyo, nana"):
        await make(settings, "Kai", clip(tmp_path), *said)
    with pytest.raises(TooLarge, match="10 seconds"):
        await make(settings, "Kai", clip(tmp_path, 11.0), *said, "--model", "kyo")
    paths = ("--gpt", "kyo/kyo.ckpt", "--sovits", "nana/nana.pth")
    assert await make(settings, "Kai", clip(tmp_path), *said, *paths) == 0
    assert str(settings.presets.path / "Kai.yaml") in capsys.readouterr().out
    assert "kyo/kyo.ckpt" in (settings.presets.path / "Kai.yaml").read_text()
    with pytest.raises(SystemExit):
        parse_arguments(["character", "make", "Kai", "clip.wav", "--engine", "kokoro"])


async def test_what_is_wrong_is_told(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(YamabikoError, match="No such file"):
        await make(settings, "Kai", tmp_path / "none.wav", *SAID)
    with pytest.raises(BadRequest, match="too short"):
        await make(settings, "Kai", clip(tmp_path, 1.0), *SAID)
    with pytest.raises(TooLarge, match="15 seconds"):
        await make(settings, "Kai", clip(tmp_path, 16.0), *SAID)


async def test_without_torch_it_names_the_one_command(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, TORCH)
    with pytest.raises(Unavailable, match="needs torch, which is not installed") as refused:
        await make(settings, "Kai", clip(tmp_path), *SAID)
    assert refused.value.hint == "Run `make serve EXTRAS=torch`."
    assert not list(settings.presets.path.iterdir())


@pytest.mark.parametrize("language", ["mix", "fr"])
def test_another_language_is_no_argument(language: str) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["character", "make", "Kai", "clip.wav", "--language", language])
