"""A file has the same digest again, and another one under its name has another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from realtime.engines.file_digest import DIGITS, FileDigests, file_digest, note_path


def write_archive(path: Path, value: float) -> None:
    torch.save({"model": {"a": torch.full((5_000,), value), "b": torch.ones(2)}}, path)


def write_safetensors(path: Path, value: float) -> None:
    save_file({"a": torch.full((5_000,), value)}, path)


def write_old_format(path: Path, value: float) -> None:
    torch.save({"a": torch.full((5_000,), value)}, path, _use_new_zipfile_serialization=False)


def write_without_checksums(path: Path, value: float) -> None:
    """Write an archive without checksums."""
    torch.serialization.set_crc32_options(False)
    try:
        write_archive(path, value)
    finally:
        torch.serialization.set_crc32_options(True)


@pytest.mark.parametrize(
    "write", [write_archive, write_safetensors, write_old_format, write_without_checksums]
)
def test_another_file_of_the_same_name_size_and_time_is_another(
    tmp_path: Path, write: Callable[[Path, float], None]
) -> None:
    one, other = tmp_path / "one" / "a.pt", tmp_path / "other" / "a.pt"
    for path, value in ((one, 1.0), (other, 2.0)):
        path.parent.mkdir()
        write(path, value)
        os.utime(path, ns=(0, 1_000))
    assert one.stat().st_size == other.stat().st_size
    assert file_digest(one) != file_digest(other)
    assert len(file_digest(one)) == DIGITS
    shutil.copyfile(one, other)
    assert file_digest(one) == file_digest(other)


def test_an_archive_is_known_by_its_directory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    write_archive(path, 1.0)
    monkeypatch.setattr("hashlib.file_digest", None)
    file_digest(path)
    assert not note_path(path).exists()


def test_what_has_no_checksums_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, 1.0)
    before = file_digest(path)
    monkeypatch.setattr("hashlib.file_digest", None)  # a second read would fail
    assert file_digest(path) == FileDigests().of(path) == before
    os.utime(path, ns=(0, 1_000))
    with pytest.raises(TypeError):
        file_digest(path)


@pytest.mark.parametrize("note", [b"", b"[1]", b"{}", b"[1, 2, 3]", b"\xff", b"[" * 5_000])
def test_a_note_that_cannot_be_believed_is_written_anew(tmp_path: Path, note: bytes) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, 1.0)
    right = file_digest(path)
    note_path(path).write_bytes(note)
    assert file_digest(path) == right
    assert right in note_path(path).read_text(encoding="utf-8")


def test_without_a_place_for_notes_it_is_known_as_long_as_the_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("realtime.engines.file_digest.write_whole", refuse)
    path = tmp_path / "a.safetensors"
    write_safetensors(path, 1.0)
    known = FileDigests()
    before = known.of(path)
    assert "Permission denied" in caplog.text
    monkeypatch.setattr("hashlib.file_digest", None)
    assert known.of(path) == before


def test_a_file_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    known = FileDigests()
    write_archive(path, 1.0)
    before = known.of(path)
    write_archive(path, 2.0)
    os.utime(path, ns=(0, 1_000))
    assert known.of(path) != before
    path.unlink()
    with pytest.raises(FileNotFoundError):
        known.of(path)
