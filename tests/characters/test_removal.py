"""Removal of characters: their files go, those of others stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.characters import Characters
from realtime.characters.removal import clips_of, remove_character
from realtime.errors import BadRequest, NotFound, YamabikoError
from tests.support.character_files import DEFAULTS, random_prompt, random_style, save_voice

CARD = "engine: gpt_sovits\nvoice: {{gpt: a.ckpt, sovits: a.pth, reference: {0}, more: [{1}]}}\n"


@pytest.fixture
def characters(tmp_path: Path) -> Characters:
    save_voice(tmp_path, "ann", style=random_style())
    save_voice(tmp_path, "ben", **random_prompt())
    (tmp_path / "ben.yaml").write_text("gender: male\n")
    for name in ("own", "shared"):
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * np.ones(64_000), 16_000)
    (tmp_path / "cat.yaml").write_text(CARD.format("own.wav", "shared.wav"))
    (tmp_path / "dan.yaml").write_text(CARD.format("shared.wav", ""))
    return Characters(tmp_path, DEFAULTS, ("kokoro", "valle", "gpt_sovits"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_voice_of_a_clip_goes_with_its_card(characters: Characters, tmp_path: Path) -> None:
    remove_character(characters, tmp_path, characters.get("ben"))
    assert not {"ben.npz", "ben.yaml"} & names(tmp_path)
    with pytest.raises(NotFound):
        characters.get("ben")


def test_clips_go_unless_another_character_needs_them(
    characters: Characters, tmp_path: Path
) -> None:
    assert clips_of(characters.get("cat")) == ("own.wav", "shared.wav")
    remove_character(characters, tmp_path, characters.get("cat"))
    assert not {"cat.yaml", "own.wav"} & names(tmp_path) and "shared.wav" in names(tmp_path)
    remove_character(characters, tmp_path, characters.get("dan"))
    assert "shared.wav" not in names(tmp_path)


def test_a_character_that_was_brought_stays(characters: Characters, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="not made of a clip"):
        remove_character(characters, tmp_path, characters.get("ann"))
    assert "ann.npz" in names(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(characters: Characters, tmp_path: Path) -> None:
    ben = characters.get("ben")
    (tmp_path / "ben.yaml").unlink()
    (tmp_path / "ben.yaml").mkdir()  # a folder is not unlinked, as whoever asks
    with pytest.raises(YamabikoError, match="cannot be removed"):
        remove_character(characters, tmp_path, ben)
