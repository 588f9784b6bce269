"""ContentVec is read in every form that people have, and anything else is refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from realtime.engines.voice_features.content import ContentEncoder
from realtime.errors import Unavailable, WeightsMissing
from realtime.networks.hubert import Hubert, HubertShape
from realtime.settings import ModelsSettings, Settings
from tests.support.contentvec_files import SMALL, small_state, write_content, write_fairseq
from tests.support.foreign_classes import Call
from tests.support.voice_like_sound import voice

SOUND = voice(0.6, rate=16_000)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=ModelsSettings(path=tmp_path))


def expected(layer: int = 12) -> torch.Tensor:
    with torch.inference_mode():
        return Hubert.loaded(small_state())(torch.from_numpy(SOUND)[None], layer)


def write_transformers(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {f"hubert.{name}": value for name, value in small_state().items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


FORMS: dict[str, Callable[[Path], Path]] = {
    "hubert_base.pt": write_fairseq,
    "checkpoint_best_legacy_500.pt": lambda path: write_fairseq(path, archive=False),
    "pytorch_model.bin": write_transformers,
    "model.safetensors": write_transformers,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_units(settings: Settings, name: str) -> None:
    FORMS[name](settings.models.path / "contentvec" / name)
    encoder = ContentEncoder(settings, "cpu")
    assert encoder.projects
    assert torch.equal(encoder.units(SOUND), expected())
    assert torch.equal(encoder.units(SOUND, 9), expected(9))


def test_units_come_narrow_and_twice_as_often(settings: Settings) -> None:
    write_content(settings.models.path)
    encoder = ContentEncoder(settings, "cpu")
    units = (SOUND.size - 400) // 320 + 1
    assert encoder.units(SOUND).shape == (1, units, 768)
    assert encoder.units(SOUND, 9, projected=True).shape == (1, units, 256)
    assert encoder.units(SOUND, twice=True).shape == (1, (SOUND.size - 240) // 160, 768)
    assert encoder.units(SOUND[:7]).shape == (1, 1, 768), "a short sound ends in silence"
    assert encoder.units(SOUND[:0]).isfinite().all()


def test_half_precision_is_computed_in_fp32(settings: Settings) -> None:
    write_content(settings.models.path)
    assert ContentEncoder(settings, "cpu").units(SOUND).dtype == torch.float32


@pytest.mark.parametrize(("written", "same"), [("true", False), ("false", True), ('"no"', True)])
def test_the_loudness_is_normalised_where_the_files_say_so(
    settings: Settings, written: str, same: bool
) -> None:
    folder = settings.models.path / "contentvec"
    write_transformers(folder / "pytorch_model.bin")
    (folder / "preprocessor_config.json").write_text(f'{{"do_normalize": {written}}}')
    encoder = ContentEncoder(settings, "cpu")
    assert torch.equal(encoder.units(SOUND), expected()) == same
    if not same:
        assert torch.allclose(encoder.units(SOUND), encoder.units(SOUND / 4 + 0.1), atol=1e-3)


def test_fairseqs_files_are_never_normalised(settings: Settings) -> None:
    write_content(settings.models.path)
    path = settings.models.path / "contentvec" / "preprocessor_config.json"
    path.write_text('{"do_normalize": true}')
    assert torch.equal(ContentEncoder(settings, "cpu").units(SOUND), expected())


def test_a_damaged_configuration_is_named(settings: Settings) -> None:
    folder = settings.models.path / "contentvec"
    write_transformers(folder / "model.safetensors")
    (folder / "preprocessor_config.json").write_text("{")
    with pytest.raises(Unavailable, match="preprocessor_config.json cannot be used"):
        ContentEncoder(settings, "cpu").load()


def test_a_missing_file_says_where_it_goes(settings: Settings) -> None:
    with pytest.raises(WeightsMissing) as missing:
        ContentEncoder(settings, "cpu").load()
    assert str(settings.models.path / "contentvec" / "hubert_base.pt") in missing.value.message
    assert missing.value.hint and "MIT" in missing.value.hint


@pytest.mark.parametrize(
    "shape",
    [
        HubertShape(inner=16, channels=16, layers=2),
        HubertShape(width=128, inner=16, channels=16, layers=12),
        HubertShape(inner=16, channels=16, projected=128),
        HubertShape(width=1_024, inner=8, channels=16, layers=1, norms_first=True),
    ],
)
def test_another_encoder_is_refused_by_its_shapes(settings: Settings, shape: HubertShape) -> None:
    path = settings.models.path / "contentvec" / "pytorch_model.bin"
    path.parent.mkdir()
    torch.save(small_state(shape), path)
    with pytest.raises(Unavailable, match=r"pytorch_model.bin cannot be used: .*another encoder"):
        ContentEncoder(settings, "cpu").load()


@pytest.mark.parametrize("change", ["quantizer.vars", "encoder.layers.0.fc1.weight"])
def test_a_network_of_other_tensors_is_refused(settings: Settings, change: str) -> None:
    state = dict(small_state())
    if state.pop("encoder.layers.0.feed_forward.intermediate_dense.weight") is not None:
        state[change] = torch.zeros(1, 1)
    write_fairseq(settings.models.path / "contentvec" / "hubert_base.pt", state)
    with pytest.raises(Unavailable, match=r"hubert_base.pt cannot be used") as refused:
        ContentEncoder(settings, "cpu").load()
    assert refused.value.code == "bad_weights"


@pytest.mark.parametrize("archive", [True, False])
def test_a_hostile_file_runs_nothing(settings: Settings, tmp_path: Path, archive: bool) -> None:
    path = settings.models.path / "contentvec" / "hubert_base.pt"
    path.parent.mkdir()
    content = {"model": small_state(), "task_state": Call(os.mkdir, tmp_path / "mark")}
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    with pytest.raises(Unavailable, match=r"hubert_base.pt cannot be used: it names posix.mkdir"):
        ContentEncoder(settings, "cpu").load()
    assert not (tmp_path / "mark").exists()


def test_a_file_that_is_replaced_does_not_change_what_was_loaded(settings: Settings) -> None:
    path = write_content(settings.models.path)
    encoder = ContentEncoder(settings, "cpu")
    before = encoder.units(SOUND)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert torch.equal(encoder.units(SOUND), before)


def test_without_the_projection_a_file_serves_newer_voices_only(settings: Settings) -> None:
    state = {name: value for name, value in small_state().items() if "final_proj" not in name}
    write_fairseq(settings.models.path / "contentvec" / "hubert_base.pt", state)
    encoder = ContentEncoder(settings, "cpu")
    assert not encoder.projects
    assert np.isfinite(encoder.units(SOUND).numpy()).all()
    assert SMALL.projected == 256, "other files have it"
