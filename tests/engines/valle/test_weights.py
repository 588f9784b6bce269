"""Tensors are loaded from files like the public ones; anything else in a file is refused."""

from __future__ import annotations

import os
import pathlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from realtime.engines.valle import weights
from realtime.engines.valle.rewrite_checkpoint import rewrite
from realtime.engines.valle.weights import (
    CHECKPOINT,
    ENCODEC,
    SPEAKING_FILES,
    VOCOS,
    check_vocos,
    load_state,
)
from realtime.errors import Unavailable, WeightsMissing
from realtime.settings import Settings
from tests.support import valle_files


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return valle_files.settings_in(tmp_path)


def are_equal(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    return state.keys() == expected.keys() and all(
        torch.equal(state[name], value) for name, value in expected.items()
    )


class Evil:
    """A pickle that runs a command when it is loaded."""

    def __reduce__(self) -> Any:
        return os.system, ("true",)


def test_the_checkpoint_gives_its_model_though_paths_are_beside_it(settings: Settings) -> None:
    valle_files.write_checkpoint(settings)
    assert are_equal(load_state(CHECKPOINT, settings), valle_files.small_state())


def test_vocos_is_a_plain_dictionary(settings: Settings) -> None:
    valle_files.write_vocos(settings)
    assert are_equal(load_state(VOCOS, settings), valle_files.small_state(1))
    check_vocos(settings)


@pytest.mark.parametrize(
    "besides",
    [{"left": Evil()}, {"left": pathlib.PureWindowsPath("c:/exp")}],
    ids=["system", "PureWindowsPath"],
)
def test_nothing_but_paths_is_unpickled(
    settings: Settings, besides: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    path = valle_files.write_checkpoint(settings, **besides)
    with pytest.raises(Unavailable, match=r"cannot be used") as refused:
        load_state(CHECKPOINT, settings)
    assert refused.value.code == "bad_weights" and str(path) in refused.value.message
    class_name = request.node.callspec.id
    assert class_name in refused.value.message and "weights_only" not in refused.value.message


def test_paths_may_be_called_as_other_versions_of_python_call_them(settings: Settings) -> None:
    """The class may be defined in another module here; the checkpoint has the published name."""
    path = valle_files.write_checkpoint(settings)
    assert b"cpathlib\nPosixPath" in path.read_bytes()
    with mock.patch.object(pathlib.PosixPath, "__module__", "pathlib._local"):
        assert are_equal(load_state(CHECKPOINT, settings), valle_files.small_state())


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_broken_file_is_told(settings: Settings, content: bytes) -> None:
    valle_files.weight_path(settings, CHECKPOINT.name).write_bytes(content)
    with pytest.raises(Unavailable, match="cannot be used"):
        load_state(CHECKPOINT, settings)


@pytest.mark.parametrize("content", [[1, 2], {}, {"model": {"a": 1}}, {3: torch.zeros(1)}])
def test_what_holds_no_tensors_is_told(settings: Settings, content: Any) -> None:
    torch.save(content, valle_files.weight_path(settings, CHECKPOINT.name))
    with pytest.raises(Unavailable, match="tensor"):
        load_state(CHECKPOINT, settings)


@pytest.mark.parametrize("file", [*SPEAKING_FILES, ENCODEC])
def test_a_missing_file_says_where_it_goes_and_who_has_it(settings: Settings, file: Any) -> None:
    with pytest.raises(WeightsMissing) as missing:
        weights.verified_path(file, settings)
    assert str(settings.models.path / "valle" / file.name) in missing.value.message
    assert file.origin in str(missing.value.hint)


def test_encodec_is_held_against_its_published_digits(settings: Settings) -> None:
    torch.save(valle_files.small_state(), valle_files.weight_path(settings, ENCODEC.name))
    with pytest.raises(WeightsMissing, match="d7cc33bc"):
        load_state(ENCODEC, settings)


def test_the_converted_form_does_as_well_until_the_file_is_newer(settings: Settings) -> None:
    source = valle_files.write_checkpoint(settings)
    target = valle_files.weight_path(settings, str(CHECKPOINT.converted))
    assert rewrite(source, target) == 3
    assert weights.verified_path(CHECKPOINT, settings) == target
    os.utime(source, ns=(0, target.stat().st_mtime_ns + 1))
    assert weights.verified_path(CHECKPOINT, settings) == source
    source.unlink()
    assert are_equal(load_state(CHECKPOINT, settings), valle_files.small_state())


def test_a_broken_converted_file_is_told(settings: Settings) -> None:
    valle_files.weight_path(settings, str(CHECKPOINT.converted)).write_bytes(b"{")
    with pytest.raises(Unavailable, match="cannot be used"):
        load_state(CHECKPOINT, settings)


@pytest.mark.parametrize(
    "yaml",
    [
        valle_files.VOCOS_YAML.replace("vocos.heads.ISTFTHead", "os.system"),
        valle_files.VOCOS_YAML.replace("hop_length: 320", "hop_length: 256"),
        "head: 3",
        "[",
        "",
    ],
)
def test_another_vocos_is_refused(settings: Settings, yaml: str) -> None:
    valle_files.write_vocos(settings, yaml)
    with pytest.raises(Unavailable, match="config.yaml"):
        check_vocos(settings)


def test_without_torch_it_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    valle_files.write_checkpoint(settings)
    monkeypatch.setattr("realtime.blocks.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="torch, which is not installed") as refused:
        load_state(CHECKPOINT, settings)
    assert refused.value.code == "engine_unavailable"


def test_what_can_be_converted_says_into_what() -> None:
    names = [file.converted for file in weights.CONVERTIBLE_FILES]
    assert all(names) and len(set(names)) == len(names)
    assert replace(ENCODEC, converted=None).converted_path(Path("models")) is None
