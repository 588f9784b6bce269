"""Files that appear whole or not at all, a sweep that takes only what is nobody's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.cache.disk import DiskStore
from realtime.cache.sidecar import FileFacts
from tests.support.recordings import address, keep_recording


def test_a_kept_file_is_whole_with_its_sidecar(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    sound = keep_recording(store)
    with store.open(address(), ".wav") as file:
        assert file.read() == sound
    found = store.sidecar(address())
    assert found is not None and found.sha256 == hashlib.sha256(sound).hexdigest()
    (stored,) = store.scan()
    assert (stored.address, stored.files, stored.whole) == (address(), ((".wav", 2044),), True)
    assert not list((tmp_path / ".growing").iterdir())


def test_other_formats_stand_in_the_same_sidecar(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    keep_recording(store)
    for suffix, data in ((".ogg", b"ogg"), (".mp3", b"mp3!")):
        part = store.new_part(address().key, suffix)
        sidecar = store.sidecar(address())
        assert sidecar is not None
        store.keep(part, address(), suffix, sidecar.with_file(suffix, part.seal(data)))
        part.close()
    found = store.sidecar(address())
    assert found is not None and found.facts(".mp3") == FileFacts(
        hashlib.sha256(b"mp3!").hexdigest(), 4
    )
    assert set(found.files) == {".ogg", ".mp3"}


def test_removing_takes_every_file_of_one_recording_only(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    keep_recording(store, "one")
    keep_recording(store, "two")
    store.remove(address("one"))
    assert {stored.address.slug for stored in store.scan()} == {"two"}


def test_only_one_process_sweeps_and_only_what_is_nobodys(tmp_path: Path) -> None:
    first, second = DiskStore(tmp_path), DiskStore(tmp_path)
    assert first.take_lock() and not second.take_lock()
    growing = tmp_path / ".growing"
    growing.mkdir()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {f"{'0' * 16}.wav.1.{pid}.part" for pid in (alive.pid, gone.pid)}
    for name in names | {f"{'1' * 16}.wav.1.part"}:
        (growing / name).write_bytes(b"x")
    try:
        first.clean()
        assert [path.name for path in growing.iterdir()] == [f"{'0' * 16}.wav.1.{alive.pid}.part"]
        assert str(os.getpid()) in second.new_part("0" * 16).path.name
    finally:
        alive.communicate(b"\n")
    first.release_lock()
    assert second.take_lock()
    second.release_lock()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"key": "other"}'])
def test_a_damaged_sidecar_is_none(tmp_path: Path, damage: bytes) -> None:
    store = DiskStore(tmp_path)
    keep_recording(store)
    (tmp_path / address().path(".json")).write_bytes(damage)
    assert store.sidecar(address()) is None


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "nothing")
    assert list(store.scan()) == []
    assert store.sidecar(address()) is None
    assert store.size(address(), ".wav") is None
    store.remove(address())
    store.touch(address())


def test_a_disk_that_is_full_breaks_a_part_once(tmp_path: Path) -> None:
    part = DiskStore(tmp_path).new_part("0" * 16)
    part.path = Path("/dev/full")
    part.write(b"x" * 10)
    assert part.error is not None
    part.write(b"x")
    with pytest.raises(OSError, match="No space"):
        part.seal(b"")
    part.close()
