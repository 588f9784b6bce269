"""Files that torch wrote: damaged, cut and hostile ones are refused by name."""

from __future__ import annotations

import argparse
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from realtime.engines.torch_file import (
    MOST_STANDING_IN,
    InertObject,
    RestoredHead,
    check_tensors,
    named_faults,
    read_torch_file,
    reason_of,
)
from realtime.errors import Unavailable
from tests.support.foreign_classes import Call, foreign_class, importable

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.float16)}


class Plain:
    """A class that a test allows."""


class Evil:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


class Greedy:
    """A pickle that asks for a lot of memory, which torch's own guard allows."""

    def __reduce__(self) -> Any:
        return bytearray, (1 << 20,)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.pth"


def refused(
    path: Path, classes: dict[str, type] | None = None, unwanted: tuple[str, ...] = ()
) -> str:
    with pytest.raises(Unavailable) as error:
        read_torch_file(path, classes, unwanted=unwanted)
    assert error.value.code == "bad_weights" and str(path) in error.value.message
    assert error.value.hint
    return error.value.message


@pytest.mark.parametrize("head", [b"PK", b"05", b"\xff\x00"])
@pytest.mark.parametrize("mapped", [False, True])
def test_tensors_come_back_whatever_the_first_two_bytes_are(
    path: Path, head: bytes, mapped: bool
) -> None:
    torch.save(STATE, path)
    with path.open("r+b") as file:
        file.write(head)
    found = check_tensors(read_torch_file(path, mapped=mapped), path)
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


def test_the_head_is_restored_wherever_a_read_begins(path: Path) -> None:
    path.write_bytes(b"06\x03\x04rest")
    for start in range(4):
        for count in range(1, 5):
            with RestoredHead(path) as file:
                file.seek(start)
                assert file.read(count) == b"PK\x03\x04rest"[start : start + count]
    with io.BufferedReader(RestoredHead(path)) as file:
        assert file.read() == b"PK\x03\x04rest"
    assert path.read_bytes().startswith(b"06")


def test_what_training_leaves_is_read(path: Path) -> None:
    left = {
        "shape": torch.Size((2, 3)),
        "device": torch.device("cpu"),
        "kind": torch.bfloat16,
        "names": {"a", "b"},
        "weight": torch.nn.Parameter(torch.ones(2)),
    }
    torch.save(left, path)
    assert read_torch_file(path).keys() == left.keys()


def test_files_from_before_archives_are_read_too(path: Path) -> None:
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_torch_file(path)["a"], STATE["a"])


@pytest.mark.parametrize("archive", [True, False])
def test_no_code_runs(path: Path, tmp_path: Path, archive: bool) -> None:
    content = {"a": torch.zeros(1), "evil": Evil(tmp_path / "mark")}
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    assert "posix.mkdir" in refused(path)
    assert not (tmp_path / "mark").exists()


def test_a_pickle_may_not_ask_for_memory(path: Path) -> None:
    for archive in (True, False):
        torch.save({"a": Greedy()}, path, _use_new_zipfile_serialization=archive)
        assert ".bytearray" in refused(path)


def test_a_class_must_be_named_by_the_caller(path: Path) -> None:
    torch.save({"a": Plain()}, path)
    name = f"{Plain.__module__}.Plain"
    assert name in refused(path)
    assert type(read_torch_file(path, {name: Plain})["a"]) is Plain
    refused(path)  # the permission ended with the call


UNWANTED = ("fairseq.", "argparse.")


@pytest.mark.parametrize("archive", [True, False])
def test_an_unwanted_class_is_replaced_by_what_does_nothing(
    path: Path, tmp_path: Path, archive: bool
) -> None:
    """A pickle may also name a function there, and call it."""
    dictionary, function = (foreign_class(f"fairseq.data.{n}") for n in ("Dictionary", "mkdir"))
    held = dictionary()
    held.symbols = ["a"]
    content = {
        "model": STATE,
        "task": held,
        "args": argparse.Namespace(layers=12),
        "evil": Call(function, tmp_path / "mark"),
    }
    with importable(dictionary, function):
        torch.save(content, path, _use_new_zipfile_serialization=archive)
    assert "fairseq.data.Dictionary" in refused(path)
    assert "argparse.Namespace" in refused(path, unwanted=("fairseq.",))
    found = read_torch_file(path, unwanted=UNWANTED)
    for name in ("task", "args", "evil"):
        assert type(found[name]) is InertObject and not vars(found[name])
    assert torch.equal(found["model"]["a"], STATE["a"])
    assert "fairseq.data.Dictionary" in refused(path), "the permission ended with the call"


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("name", ["posix.mkdir", "fairseqs.mkdir", "realtime.fairseq.mkdir"])
def test_other_names_stay_refused_beside_unwanted_ones(
    path: Path, tmp_path: Path, name: str, archive: bool
) -> None:
    function = os.mkdir if name == "posix.mkdir" else foreign_class(name)
    dictionary = foreign_class("fairseq.Dictionary")
    content = {"task": dictionary(), "evil": Call(function, tmp_path / "mark")}
    with importable(dictionary, *(each for each in (function,) if isinstance(each, type))):
        torch.save(content, path, _use_new_zipfile_serialization=archive)
    assert name in refused(path, unwanted=UNWANTED)
    assert not (tmp_path / "mark").exists()


def test_a_file_has_few_unwanted_classes(path: Path) -> None:
    found = [foreign_class(f"fairseq.Task{n}") for n in range(MOST_STANDING_IN + 1)]
    with importable(*found):
        for count in (MOST_STANDING_IN, MOST_STANDING_IN + 1):
            torch.save({"all": [each() for each in found[:count]]}, path)
            if count == MOST_STANDING_IN:
                assert len(read_torch_file(path, unwanted=UNWANTED)["all"]) == count
    assert found[-1].__name__ in refused(path, unwanted=UNWANTED)


def test_newer_pickles_cannot_hide_a_name(path: Path) -> None:
    torch.save({"a": Plain()}, path, pickle_protocol=4)
    assert "STACK_GLOBAL" in refused(path)


def test_a_cut_file_is_told(path: Path) -> None:
    torch.save(STATE, path)
    data = path.read_bytes()
    for size in (10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        assert "ends too early" in refused(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"a text file\n", "no file of weights as torch writes them"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"PK\x03\x04 broken", "ends too early"),
    ],
)
def test_other_files_are_told(path: Path, content: bytes, told: str) -> None:
    path.write_bytes(content)
    assert told in refused(path)


def test_a_folder_and_a_missing_file_are_told(path: Path) -> None:
    assert "cannot be read" in refused(path)
    path.mkdir()
    assert "cannot be read" in refused(path)


def test_an_archive_of_something_else_is_told(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "notes")
    assert "without torch's data.pkl" in refused(path)


def test_packed_archives_are_refused(path: Path) -> None:
    """A small packed file could grow to any size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00." + bytes(1 << 20))
    assert "not stored as torch stores them" in refused(path)


def test_a_damaged_pickle_is_told(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\xff\xff")
    assert "its pickle is damaged" in refused(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1], "no tensors by name"),
        ({}, "no tensors by name"),
        ({"a": 1}, "'a' in it is no tensor"),
        ({3: torch.zeros(1)}, "'3' in it is no tensor"),
        ({"a": torch.eye(2).to_sparse()}, "no plain tensor"),
        ({"a": torch.zeros(1, device="meta")}, "no plain tensor"),
        ({"a": torch.zeros(1).expand(1 << 20, 1 << 20)}, "larger than the file"),
    ],
)
def test_what_holds_no_plain_tensors_is_told(path: Path, content: Any, told: str) -> None:
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(Unavailable, match=told):
        check_tensors(content, path)


def test_a_reason_is_one_sentence() -> None:
    assert reason_of(EOFError()) == "it ends too early"
    assert reason_of(RuntimeError("Bad. Do this.")) == "Bad"
    assert reason_of(RuntimeError()) == "RuntimeError"


def test_two_threads_may_read_at_once(path: Path) -> None:
    """torch's list of allowed classes is one for the process."""
    torch.save({"a": Plain()}, path)
    name = f"{Plain.__module__}.Plain"
    failures: list[Exception] = []

    def read() -> None:
        try:
            for _ in range(30):
                read_torch_file(path, {name: Plain})
        except (Unavailable, RuntimeError) as error:  # told by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures


def test_a_network_that_does_not_take_the_state_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "voice.pth"
    layer = nn.Linear(2, 2)
    with pytest.raises(Unavailable, match=r"voice.pth cannot be used: Missing key") as refused:
        with named_faults(path):
            layer.load_state_dict({"weight": torch.zeros(2, 2)})
    assert refused.value.code == "bad_weights"
    with pytest.raises(Unavailable, match="size mismatch for weight"), named_faults(path):
        layer.load_state_dict({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)})
    with pytest.raises(Unavailable, match=r"ssl_proj.weight is missing"), named_faults(path):
        raise KeyError("ssl_proj.weight")
    with named_faults(path):
        layer.load_state_dict({"weight": torch.zeros(2, 2), "bias": torch.zeros(2)})
