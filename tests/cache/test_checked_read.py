"""Files from the disk are checked against their sidecars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.cache.checked_read import read_checked
from realtime.cache.disk import DiskStore
from tests.support.recordings import address, keep_recording


def test_a_whole_file_is_held(tmp_path: Path) -> None:
    sound = keep_recording(DiskStore(tmp_path))
    found = read_checked(DiskStore(tmp_path), address(), ".wav")
    assert found is not None
    assert (found.body, found.size, found.sample_rate) == (sound, len(sound), 24000)


@pytest.mark.parametrize("change", [lambda d: d[:-2], lambda d: d + b"xx", lambda d: d[:-1] + b"?"])
def test_another_length_or_content_is_no_recording(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    keep_recording(DiskStore(tmp_path))
    path = tmp_path / address().path(".wav")
    path.write_bytes(change(path.read_bytes()))
    assert read_checked(DiskStore(tmp_path), address(), ".wav") is None


def test_a_sidecar_is_a_file_too_while_its_recording_is_there(tmp_path: Path) -> None:
    keep_recording(DiskStore(tmp_path))
    found = read_checked(DiskStore(tmp_path), address(), ".json")
    assert found is not None and found.body is not None and found.body.startswith(b"{")
    (tmp_path / address().path(".wav")).unlink()
    assert read_checked(DiskStore(tmp_path), address(), ".json") is None


def test_a_format_that_was_never_made_is_none(tmp_path: Path) -> None:
    keep_recording(DiskStore(tmp_path))
    assert read_checked(DiskStore(tmp_path), address(), ".ogg") is None
