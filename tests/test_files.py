"""Tests of files: a file stays until its successor is whole, and files of packages are found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from realtime.files import content_fault, packaged_path, walk_files, write_whole


def test_it_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for data in (b"one", b"another"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"another")
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


def test_a_file_of_a_package_is_found() -> None:
    assert packaged_path("realtime/errors.py") == Path("realtime/errors.py").resolve()


def test_a_file_that_is_not_there_is_none() -> None:
    assert packaged_path("no_such_package/x") is None
    assert packaged_path("realtime/no_such_file") is None
    assert packaged_path("this/x") is None and "this" not in sys.modules


HEADER = b'{"a": {}}'
SAFETENSORS = len(HEADER).to_bytes(8, "little") + HEADER


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("model.pt", b"", "it is empty"),
        ("model.pt", b"\n <!DOCTYPE html>", "it is a web page"),
        ("model.bin", b"<HTML><body>404", "it is a web page"),
        ("model.onnx", b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        ("model.pt", b"PK\x03\x04 and no directory at the end", "it ends too early"),
        ("model.safetensors", SAFETENSORS[:-1], "ends too early"),
        ("model.safetensors", b"no header", "no safetensors file"),
        ("model.safetensors", SAFETENSORS, None),
        ("model.bin", b"\x06\x00\x00\x00", None),
        ("model.th", b"\x80\x02", None),
    ],
)
def test_a_file_that_can_hold_no_weights_is_told(
    tmp_path: Path, name: str, content: bytes, fault: str | None
) -> None:
    (tmp_path / name).write_bytes(content)
    found = content_fault(tmp_path / name)
    assert (found is None) if fault is None else (fault in str(found))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert content_fault(tmp_path) == "it cannot be read: Is a directory"


def test_a_folder_is_walked_by_name_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b.pt", "a/c.pt", "a/.hidden.pt", ".cache/d.pt", "a/e/f.pt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "a/e/circle").symlink_to(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in walk_files(tmp_path)]
    assert found == ["b.pt", "a/c.pt", "a/e/f.pt"]
    assert [path.name for path in walk_files(tmp_path, 2)] == ["b.pt", "c.pt"]
    assert [path.name for path in walk_files(tmp_path, 1)] == ["b.pt"]
    assert list(walk_files(tmp_path / "gone")) == []


def test_a_walk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.files.MOST_WALKED", 2)
    for name in "abc":
        (tmp_path / name).touch()
    assert [path.name for path in walk_files(tmp_path)] == ["a", "b"]
