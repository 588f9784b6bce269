"""A voice's folder: its version is recognised, and what cannot be used is refused by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from realtime.engines.ddsp_svc.networks.shapes import VELOCITY
from realtime.engines.ddsp_svc.voice_files import (
    MOST_CONFIG,
    OLDER,
    DdspVoiceFile,
    find_voice_file,
    load_voice,
    open_voice_folder,
)
from realtime.errors import Unavailable
from tests.support import ddsp_files as files


def assert_refused(folder: Path, told: str, hint: str = "") -> None:
    with pytest.raises(Unavailable, match=told) as refused:
        open_voice_folder(folder)
    error = refused.value
    assert error.code == "bad_weights" and str(folder) in error.message
    assert error.hint and hint in error.hint


@pytest.mark.parametrize("version", files.VERSIONS)
def test_each_version_is_recognised_and_loads(tmp_path: Path, version: str) -> None:
    path = files.write_ddsp_voice(tmp_path / "nana", version)
    found = open_voice_folder(tmp_path / "nana")
    assert (found.path, found.version) == (path, version)
    assert found.config.doubled == (version in ("6.2", "6.3"))
    assert found.config.steps == 3 and found.config.method == "euler"
    voice = load_voice(found)
    assert voice.shape.version == version and voice.shape.speakers == 3
    assert voice.shape.window == 4 * voice.shape.hop
    assert all(not value.requires_grad for value in voice.parameters())


def test_half_precision_becomes_full(tmp_path: Path) -> None:
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in files.ddsp_weights("6.1").items()
    }
    files.write_ddsp_voice(tmp_path, "6.1", state=state)
    voice = load_voice(open_voice_folder(tmp_path))
    assert {value.dtype for value in voice.parameters()} == {torch.float32}


def test_the_highest_step_is_taken(tmp_path: Path) -> None:
    for step in (9_000, 20_000, 100):
        files.write_ddsp_voice(tmp_path, "6.0", step=step)
    (tmp_path / "model_best.pt").touch()
    (tmp_path / "model_99999.pt.part").touch()
    (tmp_path / "model_88888.pt").mkdir()
    found = find_voice_file(tmp_path)
    assert found is not None and found.name == "model_20000.pt"


def test_a_folder_without_weights_or_configuration_says_so(tmp_path: Path) -> None:
    assert_refused(tmp_path, r"config\.yaml cannot be used: it cannot be read")
    files.write_ddsp_voice(tmp_path).unlink()
    assert_refused(tmp_path, r"it has no model_STEP\.pt")
    assert find_voice_file(tmp_path / "gone") is None


@pytest.mark.parametrize("kind", OLDER)
def test_older_types_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    config = files.ddsp_config("6.0")
    config["model"]["type"] = kind
    files.write_ddsp_voice(tmp_path, "6.0", config=config)
    assert_refused(tmp_path, f"'{kind}', a type from before 6.0", "Train it again")


def test_tensors_of_an_older_type_are_refused_whatever_the_configuration_says(
    tmp_path: Path,
) -> None:
    state = {"unit2ctrl.stack.0.weight": torch.zeros(4, 4, 3)}
    files.write_ddsp_voice(tmp_path, state=state)
    assert_refused(tmp_path, "before DDSP-SVC 6.0", "Train it again")


@pytest.mark.parametrize(
    "name",
    [
        "spk_embed.weight",
        "shared_unit_encoder.0.weight",
        "f0_predictor.out.bias",
        f"{VELOCITY}residual_layers.0.global_gate.weight",
    ],
)
def test_a_fork_is_refused_with_its_tensor(tmp_path: Path, name: str) -> None:
    state = files.ddsp_weights("6.3") | {name: torch.zeros(4)}
    files.write_ddsp_voice(tmp_path, "6.3", state=state)
    assert_refused(tmp_path, f"a changed program.*'{name}'", "own program")


def test_a_later_network_is_refused_by_name(tmp_path: Path) -> None:
    state: dict[str, Tensor] = {}
    for name, value in files.ddsp_weights("6.3").items():
        if name.startswith(f"{VELOCITY}norm.") or ".net.0." in name.partition("residual")[2]:
            continue
        renamed = name
        if "residual_layers" in name:
            for old, new in (("2", "1"), ("4", "3"), ("6", "5"), ("8", "7")):
                if f".net.{old}." in name:
                    renamed = name.replace(f".net.{old}.", f".net.{new}.")
        state[renamed] = value
    files.write_ddsp_voice(tmp_path, "6.3", state=state)
    assert_refused(tmp_path, "after DDSP-SVC 6.3", "6.0 to 6.3")


@pytest.mark.parametrize(
    ("section", "key", "value", "told"),
    [
        ("data", "encoder", "hubertsoft", "the encoder 'hubertsoft'"),
        ("vocoder", "type", "nsf-hifigan-7", "the vocoder 'nsf-hifigan-7'"),
        ("data", "volume_smooth_size", "many", "volume_smooth_size in it is 'many'"),
        ("data", "f0_min", -1, "f0_min in it is '-1'"),
        ("model", "t_start", 7, "t_start in it is '7'"),
        ("model", "type", "Sorcery", "model.type is 'Sorcery'"),
        ("infer", "infer_step", 10**9, "infer_step in it"),
        ("infer", "method", "heun", "euler or rk4"),
    ],
)
def test_values_that_are_not_understood_are_named(
    tmp_path: Path, section: str, key: str, value: object, told: str
) -> None:
    config = files.ddsp_config("6.2")
    config[section][key] = value
    files.write_ddsp_voice(tmp_path, "6.2", config=config)
    assert_refused(tmp_path, told)


def test_keys_that_are_missing_have_the_published_values(tmp_path: Path) -> None:
    files.write_ddsp_voice(tmp_path, "6.1", config={"model": {"type": "RectifiedFlow"}})
    config = open_voice_folder(tmp_path).config
    assert (config.lowest_pitch, config.highest_pitch, config.start) == (65.0, 800.0, 0.0)
    assert (config.doubled, config.log10, config.steps, config.method) == (
        False,
        False,
        None,
        "euler",
    )


class Exploit:
    """An object whose unpickling would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("place", ["beside", "within"])
def test_a_malicious_file_is_refused_and_nothing_is_executed(tmp_path: Path, place: str) -> None:
    path = files.write_ddsp_voice(tmp_path / "nana")
    exploit, state = Exploit(tmp_path / "executed"), files.ddsp_weights("6.1")
    if place == "beside":
        torch.save({"model": state, "optimizer": exploit}, path)
    else:
        torch.save({"model": {**state, "own": exploit}}, path)
    assert_refused(tmp_path / "nana", "mkdir")
    assert not (tmp_path / "executed").exists()


def test_a_malicious_configuration_is_refused_and_nothing_is_executed(tmp_path: Path) -> None:
    files.write_ddsp_voice(tmp_path / "nana")
    config = tmp_path / "nana" / "config.yaml"
    config.write_text(f"model: !!python/object/apply:os.mkdir ['{tmp_path}/executed']")
    assert_refused(tmp_path / "nana", "no plain YAML")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b\n" * MOST_CONFIG, "it has over"),
        ("[1, 2]", "keys with values"),
        ("{{", "no plain YAML"),
        ("[" * 5_000, "no plain YAML"),
        ("\udcff", "no plain YAML"),
    ],
    ids=["long", "list", "broken", "deep", "binary"],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, text: str, told: str) -> None:
    files.write_ddsp_voice(tmp_path)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert_refused(tmp_path, told)


@pytest.mark.parametrize("kept", [0, 3, 2_000, 400_000])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, kept: int) -> None:
    path = files.write_ddsp_voice(tmp_path)
    with path.open("r+b") as file:
        file.truncate(kept)
    assert_refused(tmp_path, "cannot be used")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = files.write_ddsp_voice(tmp_path)
    torch.save({"weight": {"a": torch.zeros(2)}}, path)
    assert_refused(tmp_path, "no voice of DDSP-SVC")
    torch.save({"model": {"ddsp_model.unit2ctrl.norm.weight": torch.zeros(2)}}, path)
    assert_refused(tmp_path, "its tensors are not those")


def broken(change: dict[str, Tensor | None], folder: Path) -> DdspVoiceFile:
    state = files.ddsp_weights("6.1")
    for name, value in change.items():
        if value is None:
            del state[name]
        else:
            state[name] = value
    files.write_ddsp_voice(folder, "6.1", state=state)
    return open_voice_folder(folder)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ddsp_model.block_size", None, "block_size is missing"),
        ("ddsp_model.block_size", torch.tensor(0), "a hop of 0"),
        ("ddsp_model.block_size", torch.tensor(1 << 40), "a hop of"),
        ("ddsp_model.sampling_rate", torch.tensor(7), "a rate of 7"),
        ("ddsp_model.win_length", torch.tensor(2_048), "a window of 2048"),
        ("ddsp_model.unit2ctrl.norm.bias", None, "norm.bias"),
        ("ddsp_model.unit2ctrl.norm.bias", torch.zeros(3), "norm.bias"),
        ("ddsp_model.unit2ctrl.norm.weight", torch.tensor(1.0), "tuple index"),
        ("ddsp_model.unit2ctrl.stack.0.weight_v", None, "stack.0.weight is missing"),
        ("ddsp_model.own", torch.zeros(3), "ddsp_model.own"),
    ],
)
def test_a_wrong_tensor_is_named_when_the_networks_are_filled(
    tmp_path: Path, name: str, value: Tensor | None, told: str
) -> None:
    found = broken({name: value}, tmp_path)
    with pytest.raises(Unavailable, match=told) as refused:
        load_voice(found)
    assert refused.value.code == "bad_weights" and str(found.path) in refused.value.message
