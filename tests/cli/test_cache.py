"""Looking, checking, shrinking and removing by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.cache.disk import DiskStore
from realtime.cli import cache
from realtime.cli.commands import parse_arguments
from realtime.errors import BadRequest, Busy, NotFound
from tests.support.recordings import address, keep_recording


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DiskStore:
    monkeypatch.setenv("YAMABIKO_CACHE__PATH", str(tmp_path))
    store = DiskStore(tmp_path)
    for number, text in enumerate("abc"):
        keep_recording(store, text, seed=number)
        os.utime(tmp_path / address(text).path(".wav"), (number, number))
    return store


def run(*arguments: str) -> int:
    options = parse_arguments(["cache", *arguments])
    code: int = options.run(options)
    return code


def left(store: DiskStore) -> str:
    return "".join(stored.address.slug for stored in cache.list_recordings(store))


def test_ls_tells_the_longest_unheard_first(
    store: DiskStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ls") == 0
    told = capsys.readouterr()
    assert [line.split()[3] for line in told.out.splitlines()] == [
        address(text).path() for text in "abc"
    ]
    assert "3 recordings" in told.err


@pytest.mark.parametrize(
    ("suffix", "damage", "reason"),
    [
        (".wav", lambda data: data[:-1] + b"?", "its digest is another"),
        (".wav", lambda data: data[:-2], "2042 bytes instead of 2044"),
        (".json", lambda data: b"{", "its sidecar is missing or damaged"),
    ],
)
def test_verify_finds_what_is_wrong(
    store: DiskStore,
    capsys: pytest.CaptureFixture[str],
    suffix: str,
    damage: Callable[[bytes], bytes],
    reason: str,
) -> None:
    assert run("verify") == 0
    path = store.root / address("b").path(suffix)
    path.write_bytes(damage(path.read_bytes()))
    assert run("verify") == 1
    told = capsys.readouterr()
    assert reason in told.out and address("b").path() in told.out
    assert "3 recordings, 1 wrong" in told.err


def test_prune_takes_the_longest_unheard(store: DiskStore) -> None:
    assert run("prune") == 0
    assert left(store) == "abc"
    assert run("prune", "--max-bytes", "4100") == 0
    assert left(store) == "bc"


def test_rm_takes_keys_and_paths_or_nothing(store: DiskStore) -> None:
    with pytest.raises(NotFound):
        run("rm", address("a").key, "0" * 16)
    with pytest.raises(BadRequest, match="no key"):
        run("rm", "hello")
    assert left(store) == "abc"
    assert run("rm", address("a").key, address("c").path(".wav")) == 0
    assert left(store) == "b"


def test_a_cache_in_use_is_left_alone(store: DiskStore) -> None:
    server = DiskStore(store.root)
    assert server.take_lock()
    with pytest.raises(Busy, match="A server uses"):
        run("prune", "--max-bytes", "0")
    server.release_lock()
    assert left(store) == "abc"
