"""Models that people bring: what they are their content says, and what is wrong is explained."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
import yaml

from realtime.engines.torchscript_file import (
    ModelCard,
    find_names,
    read_card,
    read_model,
    sample_inputs,
)
from realtime.errors import BadRequest, WeightsMissing
from tests.support.torchscript_models import Filter, exported, placed, scripted


def card(folder: Path, text: str) -> ModelCard:
    path = folder / "model.yaml"
    path.write_text(text)
    return read_card(path)


def test_without_a_word_it_is_16_khz_mono_and_takes_the_whole(tmp_path: Path) -> None:
    assert read_card(tmp_path / "model.yaml") == ModelCard(16_000, 16_000, "batch_time", 0)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    said = {"input_rate": 16000, "output_rate": 24000, "layout": "batch_channel_time"}
    said |= {"block": 640, "context": 3200, "ahead": 320, "causal": True, "fixed": True}
    said |= {"device": "cpu", "autocast": True, "batch": 8}
    assert card(tmp_path, yaml.safe_dump(said)) == ModelCard(**said)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("blok: 3", "'blok' is no key; there are: input_rate"),
        ("block: 0.5", "block is '0.5'; a whole number is expected"),
        ("block: true", "a whole number is expected"),
        ("causal: 1", "true or false is expected"),
        ("input_rate: 1", "4000 to 192000"),
        ("layout: time_batch", "one of time, batch_time"),
        ("device: tpu", "one of auto, cpu, cuda"),
        ("batch: 0", "1 to 256"),
        ("{layout: time, batch: 2}", "one recording at once"),
        ("{output_rate: 24000, block: 321}", "block must be a multiple of 2"),
        ("{output_rate: 24000, block: 320, ahead: 33}", "ahead must be a multiple of 2"),
        ("- a", "keys with values"),
        ("a: [", "not YAML"),
        ("a: !!python/object/apply:os.system [true]", "not YAML"),
        ("#" * 20_000, "over 16384 bytes"),
    ],
)
def test_what_cannot_be_said_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        card(tmp_path, text)
    assert told in refused.value.message and "model.yaml" in refused.value.message


def test_the_content_decides_what_a_file_is(tmp_path: Path) -> None:
    scripted(tmp_path, "a", Filter())
    exported(tmp_path, "b", Filter(), None).rename(tmp_path / "torchscript/b/model.pt")
    folder = tmp_path / "torchscript"
    (folder / "no model").mkdir()
    (folder / "a\nb").mkdir()
    (folder / "a\nb" / "model.pt").touch()
    assert find_names(folder) == ["a", "b"], "what can be printed, with a model in it"
    found = [read_model(folder / name) for name in ("a", "b")]
    assert [(file.name, file.exported) for file in found] == [("a", False), ("b", True)]


def test_nothing_there_says_where_to_put_it(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert find_names(tmp_path) == []
    with pytest.raises(WeightsMissing) as missing:
        read_model(tmp_path / "empty")
    assert f"{tmp_path}/empty/model.pt" in missing.value.message
    assert missing.value.hint


@pytest.mark.parametrize("kind", ["state_dict", "checkpoint", "module", "old", "text", "zip"])
def test_what_is_no_program_is_refused_and_never_unpickled(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = placed(tmp_path, "mine", "pt", {})
    if kind == "text":
        path.write_bytes(b"hello")
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/b.txt", "c")
    else:
        held = {
            "state_dict": Filter().state_dict(),
            "checkpoint": {"model_state_dict": Filter().state_dict(), "epoch": 3},
            "module": Filter(),
            "old": Filter().state_dict(),
        }[kind]
        torch.save(held, path, _use_new_zipfile_serialization=kind != "old")

    def no(*given: object, **named: object) -> None:
        raise AssertionError("it was unpickled")

    monkeypatch.setattr(pickle, "Unpickler", no)
    monkeypatch.setattr(pickle, "load", no)
    with pytest.raises(BadRequest) as refused:
        read_model(tmp_path / "torchscript" / "mine")
    assert str(path) in refused.value.message
    assert refused.value.hint and "torch.jit.script(model)" in refused.value.hint
    weights_only = kind in ("state_dict", "checkpoint", "module")
    assert ("weights without a program" in refused.value.message) == weights_only


def rewritten(path: Path, change: dict[str, bytes]) -> None:
    """An archive with some of its members changed or added."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(members)).partition("/")[0]
    members |= {f"{root}/{name}": data for name, data in change.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


PICKLED = {"config": {"taps": {"path_name": "w", "is_param": False, "use_pickle": True}}}


@pytest.mark.parametrize(
    "change",
    [
        {"data/weights/model_weights_config.json": json.dumps(PICKLED).encode()},
        {"data/constants/model_constants_config.json": json.dumps(PICKLED).encode()},
        {"data/weights/model_weights_config.json": b"{"},
        {"data/weights/model.pt": b"old"},
        {"data/constants/custom_obj_0": b"x"},
        {"data/aotinductor/model/code.so": b"x"},
    ],
)
def test_an_export_that_would_be_unpickled_is_refused(
    tmp_path: Path, change: dict[str, bytes]
) -> None:
    path = exported(tmp_path, "mine", Filter(), None)
    rewritten(path, change)
    with pytest.raises(BadRequest, match="pickled"):
        read_model(tmp_path / "torchscript" / "mine")


def test_the_inputs_of_an_export_are_found(tmp_path: Path) -> None:
    (data,) = sample_inputs(exported(tmp_path, "mine", Filter(), None))
    assert torch.load(io.BytesIO(data), weights_only=True)
