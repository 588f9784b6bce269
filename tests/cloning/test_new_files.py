"""New files appear all together, and never in another one's place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from realtime.cloning import new_files
from realtime.cloning.new_files import write_new_files

FILES = {"Kai.wav": b"sound", "Kai.yaml": b"card"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_are_there_whole(tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    write_new_files(folder, FILES)
    assert names(folder) == ["Kai.wav", "Kai.yaml"]
    for name, data in FILES.items():
        assert (folder / name).read_bytes() == data
        assert (folder / name).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("taken", FILES)
def test_where_one_is_taken_none_appears(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_bytes(b"before")
    with pytest.raises(FileExistsError):
        write_new_files(tmp_path, FILES)
    assert names(tmp_path) == [taken] and (tmp_path / taken).read_bytes() == b"before"


def test_a_disk_that_fails_at_the_second_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: Any, target: Path) -> None:
        if target.suffix == ".yaml":
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(new_files.os, "link", link)
    with pytest.raises(OSError, match="No space"):
        write_new_files(tmp_path, FILES)
    assert names(tmp_path) == []
