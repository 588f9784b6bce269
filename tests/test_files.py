"""Tests of files: a file stays until its successor is whole, and files of packages are found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from realtime.files import packaged_path, write_whole


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
