"""Files of ContentVec and RMVPE: which is there, and their converted forms."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.cli import weights as command
from realtime.cli.commands import parse_arguments
from realtime.engines.brought import CONVERTED, WEIGHTS, list_files
from realtime.engines.safetensors_file import read_safetensors
from realtime.engines.voice_features.content import ContentEncoder
from realtime.engines.voice_features.weights import (
    CONTENT_FILES,
    content_file,
    convertible_files,
    read_state,
)
from realtime.settings import ModelsSettings, Settings
from tests.support.contentvec_files import write_content
from tests.support.converter_fixtures import weights
from tests.support.voice_like_sound import voice

OPTIONS = parse_arguments(["weights", "convert"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=ModelsSettings(path=tmp_path))


def test_the_first_form_that_is_there_is_read(settings: Settings) -> None:
    assert content_file(settings) is CONTENT_FILES[0]
    for file in reversed(CONTENT_FILES):
        path = file.path_in(settings.models.path)
        path.parent.mkdir(exist_ok=True)
        path.touch()
        assert content_file(settings) is file


@pytest.mark.parametrize("wrapped", [True, False])
def test_tensors_may_lie_beside_what_training_left(settings: Settings, wrapped: bool) -> None:
    path = settings.models.path / "rmvpe.pt"
    state = {"a": torch.ones(2)}
    torch.save({"model": state, "step": 3} if wrapped else state, path)
    assert read_state(path)["a"].tolist() == [1, 1]


@pytest.mark.slow
def test_files_are_rewritten_once(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    models = settings.models.path
    source = write_content(models)
    (models / "rmvpe").mkdir()
    torch.save(weights("rmvpe_tiny"), models / "rmvpe" / "rmvpe.pt")
    before = ContentEncoder(settings, "cpu").units(voice(0.3, rate=16_000))
    assert [file.name for file in convertible_files(settings)] == ["hubert_base.pt", "rmvpe.pt"]
    assert command.weights(OPTIONS, settings) == 0
    assert capfd.readouterr().out.count(" tensors") == 2
    source.unlink()
    kept, _ = read_safetensors(models / "contentvec" / "hubert_base.pt.safetensors")
    assert "encoder.layers.0.fc1.weight" in kept and "model" not in kept
    after = ContentEncoder(settings, "cpu").units(voice(0.3, rate=16_000))
    assert torch.equal(before, after)
    assert command.weights(OPTIONS, settings) == 0
    assert capfd.readouterr().out.count("there already") == 2


def test_the_files_are_known(settings: Settings) -> None:
    write_content(settings.models.path)
    (settings.models.path / "contentvec" / "model.safetensors").touch()
    (settings.models.path / "contentvec" / "hubert_base.pt.safetensors").touch()
    found = {file.path: (file.engine, file.kind) for file in list_files(settings)}
    assert found == {
        "contentvec/hubert_base.pt": ("contentvec", WEIGHTS),
        "contentvec/hubert_base.pt.safetensors": ("contentvec", CONVERTED),
        "contentvec/model.safetensors": ("contentvec", WEIGHTS),
    }
