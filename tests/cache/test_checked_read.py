"""What comes from the disk is held against its sidecar."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.cache.checked_read import load
from realtime.cache.disk import DiskStore
from tests.cache.test_disk import kept
from tests.support.recordings import address


def test_a_whole_file_is_held(tmp_path: Path) -> None:
    sound = kept(DiskStore(tmp_path))
    found = load(DiskStore(tmp_path), address(), ".wav")
    assert found is not None
    assert (found.body, found.size, found.sample_rate) == (sound, len(sound), 24000)


@pytest.mark.parametrize("change", [lambda d: d[:-2], lambda d: d + b"xx", lambda d: d[:-1] + b"?"])
def test_another_length_or_content_is_no_recording(tmp_path: Path, change: object) -> None:
    kept(DiskStore(tmp_path))
    path = tmp_path / address().path(".wav")
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    assert load(DiskStore(tmp_path), address(), ".wav") is None


def test_a_sidecar_is_a_file_too_while_its_recording_is_there(tmp_path: Path) -> None:
    kept(DiskStore(tmp_path))
    found = load(DiskStore(tmp_path), address(), ".json")
    assert found is not None and found.body is not None and found.body.startswith(b"{")
    (tmp_path / address().path(".wav")).unlink()
    assert load(DiskStore(tmp_path), address(), ".json") is None


def test_a_format_that_was_never_made_is_none(tmp_path: Path) -> None:
    kept(DiskStore(tmp_path))
    assert load(DiskStore(tmp_path), address(), ".ogg") is None
