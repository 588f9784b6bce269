"""What a person does with a cache by hand: look, check, shrink, remove; it needs no server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from realtime.cache.address import KEY, Address
from realtime.cache.disk import DiskStore, StoredRecording
from realtime.cache.index import Index
from realtime.cache.sidecar import Sidecar
from realtime.cli.progress_bar import Bar
from realtime.errors import BadRequest, Busy, NotFound

BLOCK_BYTES = 1 << 20


def found_in(store: DiskStore) -> list[StoredRecording]:
    """All recordings, the longest unheard first."""
    return sorted(
        (stored for stored in store.scan() if stored.whole), key=lambda stored: stored.heard
    )


def size_of(stored: StoredRecording) -> int:
    return sum(size for _, size in stored.files)


def wrong_in(
    store: DiskStore, recordings: Iterable[StoredRecording]
) -> Iterator[tuple[StoredRecording, str]]:
    """Every recording that is not what its sidecar says, with the reason."""
    for stored in recordings:
        sidecar = store.sidecar(stored.address)
        if sidecar is None:
            yield stored, "its sidecar is missing or damaged"
            continue
        for suffix, size in stored.files:
            if reason := _reason(store, stored.address, suffix, size, sidecar):
                yield stored, f"{suffix}: {reason}"
                break


def surplus_of(recordings: Iterable[StoredRecording], most_bytes: int) -> list[Address]:
    """What must go so that the rest fits, the longest unheard first."""
    shelf = Index()
    for stored in sorted(recordings, key=lambda stored: -stored.heard):
        shelf.add_older(stored.address, stored.files)
    return [entry.address for entry in shelf.surplus(most_bytes)]


def named(recordings: Iterable[StoredRecording], names: Iterable[str]) -> list[Address]:
    """The recordings of keys or paths; one that there is not is an error before any is touched."""
    by_key = {stored.address.key: stored.address for stored in recordings}
    found = []
    for name in names:
        key = KEY.search(Path(name).name[-40:])
        if key is None:
            raise BadRequest(f"{name!r} holds no key; one has 16 digits from 0 to f.")
        if key.group() not in by_key:
            raise NotFound(f"There is no recording with the key {key.group()}.")
        found.append(by_key[key.group()])
    return found


@contextmanager
def alone(store: DiskStore) -> Iterator[None]:
    """While nobody else removes from this cache."""
    if not store.take_lock():
        raise Busy(
            f"A server uses the cache {store.root}.",
            hint="It keeps to cache.max_bytes itself; stop it to remove recordings by hand.",
        )
    try:
        yield
    finally:
        store.release_lock()


def with_bar(items: list[StoredRecording], what: str) -> Iterator[StoredRecording]:
    """The items, with a bar on a terminal that shows how far they are."""
    bar = Bar(what, len(items))
    for number, item in enumerate(items, 1):
        yield item
        bar.at(number, f"{number}/{len(items)}")
    bar.end()


def _reason(
    store: DiskStore, address: Address, suffix: str, size: int, sidecar: Sidecar
) -> str | None:
    """Why a file cannot be believed; None when it can."""
    facts = sidecar.facts(suffix)
    if facts is None:
        return "the sidecar does not know it"
    if size != facts.bytes:
        return f"{size} bytes instead of {facts.bytes}"
    digest = hashlib.sha256()
    try:
        with store.open(address, suffix) as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return None if digest.hexdigest() == facts.sha256 else "its digest is another"
