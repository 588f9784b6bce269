"""Tests of the watched folder: files are read when they change, and only then."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from realtime.characters.watched_folder import WatchedFolder
from tests.support.character_files import set_changed


class Reader:
    """A reader of numbers that notes which files it was asked to read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, path: Path) -> object:
        self.read.append(path.name)
        return int(path.read_text())


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    reader = Reader()
    folder = WatchedFolder(tmp_path, {".n": reader}, ())
    (tmp_path / "a.n").write_text("1")
    (tmp_path / "b.n").write_text("2")
    assert folder.refresh()
    assert not folder.refresh()
    assert reader.read == ["a.n", "b.n"]

    (tmp_path / "b.n").write_text("30")
    (tmp_path / "c.n").write_text("4")
    kept = folder.sources["a.n"]
    assert folder.refresh()
    assert reader.read == ["a.n", "b.n", "b.n", "c.n"]
    assert folder.sources["a.n"] is kept
    assert {name: source.content for name, source in folder.sources.items()} == {
        "a.n": 1,
        "b.n": 30,
        "c.n": 4,
    }

    (tmp_path / "a.n").unlink()
    assert folder.refresh()
    assert set(folder.sources) == {"b.n", "c.n"}


def test_a_change_of_time_alone_and_a_swapped_file_are_seen(tmp_path: Path) -> None:
    folder = WatchedFolder(tmp_path, {".n": Reader()}, ())
    path = tmp_path / "a.n"
    path.write_text("1")
    folder.refresh()
    set_changed(path, 5)
    assert folder.refresh()
    other = tmp_path / "other"
    other.write_text("2")
    set_changed(other, 5)
    other.replace(path)
    assert folder.refresh()
    assert folder.sources["a.n"].content == 2


def test_other_and_hidden_files_are_not_read_and_noted_ones_only_known(tmp_path: Path) -> None:
    reader = Reader()
    folder = WatchedFolder(tmp_path, {".n": reader}, (".png",))
    for name in ("README.md", ".a.n", ".n", "a.png", "a.n~"):
        (tmp_path / name).write_text("x")
    folder.refresh()
    assert reader.read == [] and not folder.sources
    assert "a.png" in folder and "README.md" not in folder


def test_a_fault_stays_with_its_file_until_the_file_changes(tmp_path: Path) -> None:
    reader = Reader()
    folder = WatchedFolder(tmp_path, {".n": reader}, ())
    path = tmp_path / "a.n"
    path.write_text("one")
    folder.refresh()
    assert "invalid literal" in folder.sources["a.n"].fault
    assert not folder.refresh()
    path.write_text("1")
    set_changed(path, 9)
    assert folder.refresh()
    assert folder.sources["a.n"].content == 1 and not folder.sources["a.n"].fault


def test_what_the_system_refused_is_tried_again(tmp_path: Path) -> None:
    refusals = [OSError(errno.EMFILE, os.strerror(errno.EMFILE))]

    def reader(path: Path) -> object:
        if refusals:
            raise refusals.pop()
        return path.read_text()

    (tmp_path / "a.n").write_text("1")
    folder = WatchedFolder(tmp_path, {".n": reader}, ())
    folder.refresh()
    assert "Too many open files" in folder.sources["a.n"].fault
    assert folder.refresh()
    assert folder.sources["a.n"].content == "1"


def test_a_folder_that_comes_and_goes(tmp_path: Path) -> None:
    place = tmp_path / "later"
    folder = WatchedFolder(place, {".n": Reader()}, ())
    folder.refresh()
    assert folder.fault == "there is no such folder"
    place.mkdir()
    (place / "a.n").write_text("1")
    assert folder.refresh()
    assert not folder.fault and folder.sources["a.n"].content == 1


def test_a_folder_that_cannot_be_listed_keeps_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.n").write_text("1")
    folder = WatchedFolder(tmp_path, {".n": Reader()}, ())
    folder.refresh()

    def refuse(path: Any) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "scandir", refuse)
    assert folder.refresh()
    assert folder.fault.endswith("Too many open files") and folder.sources["a.n"].content == 1
    monkeypatch.undo()
    assert folder.refresh()
    assert not folder.fault


def test_a_link_to_nothing_is_a_fault_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.n").write_text("1")
    (tmp_path / "b.n").symlink_to(tmp_path / "nowhere")
    folder = WatchedFolder(tmp_path, {".n": Reader()}, ())
    folder.refresh()
    assert folder.sources["a.n"].content == 1
    assert "No such file" in folder.sources["b.n"].fault
