"""Checkpoints in the published formats are read; what else lies there is refused by name."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from realtime.engines.gpt_sovits.checkpoints import (
    MOST_DEPTH,
    Checkpoint,
    read_checkpoint,
    read_tensors,
)
from realtime.engines.gpt_sovits.rewrite_checkpoint import rewrite
from realtime.errors import Unavailable
from tests.support import gpt_sovits_files as files


def assert_refused(path: Path, told: str) -> None:
    with pytest.raises(Unavailable, match=told) as refused:
        read_checkpoint(path)
    assert refused.value.code == "bad_weights" and str(path) in refused.value.message


@pytest.mark.parametrize("version", files.SOVITS)
def test_the_published_format_is_read_without_the_makers_module(
    tmp_path: Path, version: str
) -> None:
    path = files.write_sovits(tmp_path / "voice.pth", version)
    assert importlib.util.find_spec("utils") is None
    found = read_checkpoint(path)
    weight, config = files.sovits_weights(version)
    assert found.config == config and type(found.config["model"]) is dict
    assert found.head == files.HEADS[version] and found.info and found.lora_rank is None
    assert found.weight.keys() == weight.keys()
    assert all(torch.equal(found.weight[name], value.half()) for name, value in weight.items())


def test_the_gpt_file_and_the_lora_file_are_read(tmp_path: Path) -> None:
    gpt = read_checkpoint(files.write_gpt(tmp_path / "voice.ckpt"))
    assert gpt.config["model"]["head"] == 4 and gpt.head == "PK"
    lora = read_checkpoint(files.write_lora(tmp_path / "lora.pth", rank=4))
    assert lora.lora_rank == 4 and lora.head == "04"


def test_the_converted_form_says_the_same(tmp_path: Path) -> None:
    source = files.write_lora(tmp_path / "lora.pth", rank=4)
    target = tmp_path / "lora.pth.safetensors"
    rewrite(source, target)
    was, now = read_checkpoint(source), read_checkpoint(target)
    assert now.metadata == was.metadata and now.lora_rank == 4 and now.config == was.config
    assert now.weight.keys() == was.weight.keys()
    assert all(torch.equal(now.weight[name], value) for name, value in was.weight.items())


def test_other_safetensors_are_told(tmp_path: Path) -> None:
    from realtime.engines.safetensors_file import write_verified

    path = tmp_path / "other.safetensors"
    write_verified({"a": torch.zeros(1)}, path)
    assert_refused(path, "weights convert")
    kept = Checkpoint(path, {}, {}, "PK", "00").metadata
    for change in ({"config": "{"}, {"lora_rank": "many"}, {"config": "[" * 9000}):
        write_verified({"a": torch.zeros(1)}, path, {**kept, **change})
        assert_refused(path, "damaged")
    del kept["head"]
    write_verified({"a": torch.zeros(1)}, path, kept)
    assert_refused(path, "damaged")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1], "`weight` and `config`"),
        ({"config": {}}, "`weight` and `config`"),
        ({"weight": {}, "config": {}}, "no tensors by name"),
        ({"weight": {"a": 1}, "config": {}}, "'a' in it is no tensor"),
        ({"weight": {"a": torch.zeros(1)}}, "it has no configuration"),
        ({"weight": {"a": torch.zeros(1)}, "config": {"a": torch.zeros(1)}}, "holds a Tensor"),
        ({"weight": {"a": torch.zeros(1)}, "config": {}, "lora_rank": 0}, "lora_rank"),
        ({"weight": {"a": torch.zeros(1)}, "config": {}, "lora_rank": "4"}, "lora_rank"),
    ],
)
def test_other_content_is_told(tmp_path: Path, content: Any, told: str) -> None:
    path = tmp_path / "voice.pth"
    torch.save(content, path)
    assert_refused(path, told)


def test_a_configuration_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "voice.pth"
    deep: Any = 1
    for _ in range(MOST_DEPTH + 1):
        deep = [deep]
    many: Any = [0] * 100
    for _ in range(3):
        many = [many] * 100  # few bytes in a pickle, and a million values
    endless: list[Any] = []
    endless.append(endless)
    for value in (deep, many, endless):
        torch.save({"weight": {"a": torch.zeros(1)}, "config": {"a": value}}, path)
        assert_refused(path, "configuration is too large")


class Evil:
    """A pickle that would make a folder when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_hostile_file_is_refused_with_any_head(tmp_path: Path) -> None:
    path, mark = tmp_path / "voice.pth", tmp_path / "mark"
    config = {"model": {"version": Evil(mark)}}
    for head in ("PK", "06"):
        files.write_published(path, {"weight": {"a": torch.zeros(1)}, "config": config}, head)
        assert_refused(path, "posix.mkdir")
    assert not mark.exists()


def test_the_stub_has_nothing_that_a_file_could_call(tmp_path: Path) -> None:
    """A pickle may call the class with arguments; that fails, and is told."""
    path = tmp_path / "voice.pth"
    with files.makers_module() as hparams:

        def reduce(self: Any) -> Any:
            return hparams, ("an argument",)

        hparams.__reduce__ = reduce  # type: ignore[method-assign]
        torch.save({"weight": {"a": torch.zeros(1)}, "config": hparams()}, path)
    assert_refused(path, "HParams")


def test_cut_and_other_files_are_told(tmp_path: Path) -> None:
    path = files.write_sovits(tmp_path / "voice.pth")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert_refused(path, "ends too early")
    path.write_text("weights", encoding="utf-8")
    assert_refused(path, "no file of weights")


def test_bare_tensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    state = {"a": torch.arange(3.0)}
    torch.save(state, path)
    assert torch.equal(read_tensors(path)["a"], state["a"])
    rewrite(path, tmp_path / "pytorch_model.bin.safetensors")
    assert torch.equal(read_tensors(tmp_path / "pytorch_model.bin.safetensors")["a"], state["a"])


def test_without_torch_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.write_gpt(tmp_path / "voice.ckpt")
    monkeypatch.setattr("realtime.blocks.find_spec", lambda name: None)
    for read in (read_checkpoint, read_tensors):
        with pytest.raises(Unavailable, match="torch, which is not installed"):
            read(path)
