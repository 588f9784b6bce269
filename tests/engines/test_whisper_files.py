"""Whisper's files: brought, packaged, fetched when allowed, or missed with how to get them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from realtime.engines import whisper_files
from realtime.errors import SettingsError, WeightsMissing
from realtime.settings import ModelsSettings, RevoiceSettings, Settings


def asked(folder: Path, model: str = "base", downloads: bool = False) -> Settings:
    return Settings(
        models=ModelsSettings(path=folder),
        revoice=RevoiceSettings(model=model),
        allow_downloads=downloads,
    )


def brought(folder: Path, *left_out: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        if name not in left_out:
            (folder / name).write_bytes(b"mine")
    return folder


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.weights.packaged_path", lambda name: None)


def test_what_people_bring_wins(tmp_path: Path) -> None:
    folder = brought(tmp_path / "revoice" / "base")
    found = whisper_files.find_model(asked(tmp_path))
    assert found.name == str(folder) and not found.files


def test_any_model_may_be_brought(tmp_path: Path) -> None:
    folder = brought(tmp_path / "revoice" / "my-whisper")
    assert whisper_files.find_model(asked(tmp_path, "my-whisper")).name == str(folder)


def test_half_a_model_is_refused_before_anybody_fetches_the_rest(tmp_path: Path) -> None:
    brought(tmp_path / "revoice" / "base", "tokenizer.json")
    with pytest.raises(WeightsMissing, match="not whole: tokenizer.json is missing"):
        whisper_files.find_model(asked(tmp_path))


def test_packages_have_the_base(tmp_path: Path) -> None:
    found = whisper_files.find_model(asked(tmp_path))
    assert set(found.files) == set(whisper_files.KNOWN)
    assert not list(tmp_path.iterdir()), "nothing is copied to disk"


def test_packages_have_no_other_size(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing) as missing:
        whisper_files.find_model(asked(tmp_path, "small"))
    assert str(tmp_path / "revoice" / "small") in missing.value.message
    assert missing.value.hint and "allow_downloads" in missing.value.hint


@pytest.mark.usefixtures("no_packages")
def test_what_is_missing_is_told_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing) as missing:
        whisper_files.find_model(asked(tmp_path))
    assert missing.value.code == "weights_missing"
    assert str(tmp_path / "revoice" / "base" / "model.bin") in missing.value.message
    assert missing.value.hint and "make serve EXTRAS=revoice" in missing.value.hint


def fetch(name: str, output_dir: str) -> None:
    brought(Path(output_dir))
    (Path(output_dir) / "config.json").write_text(name)


@pytest.mark.usefixtures("no_packages")
def test_a_hub_is_asked_only_when_allowed(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        whisper_files.find_model(asked(tmp_path, "small"), fetch)
    found = whisper_files.find_model(asked(tmp_path, "small", downloads=True), fetch)
    assert (Path(found.name) / "config.json").read_text() == "small"
    assert Path(found.name) == tmp_path / "revoice" / "small"


def test_a_hub_that_fails_is_told(tmp_path: Path) -> None:
    def broken(name: str, **options: Any) -> None:
        raise OSError("no network")

    with pytest.raises(WeightsMissing, match="could not be fetched"):
        whisper_files.find_model(asked(tmp_path, "small", downloads=True), broken)


@pytest.mark.parametrize("name", ["", "..", "../base", "a/b", "/etc", ".hidden"])
def test_a_model_is_one_folder(name: str) -> None:
    with pytest.raises(SettingsError, match="revoice.model"):
        whisper_files.weights(name)
