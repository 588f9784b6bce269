"""The work on a cache by hand, without a server: list, check, shrink, remove."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from realtime.cache.address import KEY, Address
from realtime.cache.disk import DiskStore, StoredRecording
from realtime.cache.index import Index
from realtime.cache.sidecar import Sidecar
from realtime.cli.progress_bar import ProgressBar
from realtime.errors import BadRequest, Busy, NotFound

BLOCK_BYTES = 1 << 20


def list_recordings(store: DiskStore) -> list[StoredRecording]:
    """List all recordings, the longest unheard first."""
    whole = (stored for stored in store.scan() if stored.whole)
    return sorted(whole, key=lambda stored: stored.heard_at)


def size_of(stored: StoredRecording) -> int:
    return sum(size for _, size in stored.files)


def find_damaged(
    store: DiskStore, recordings: Iterable[StoredRecording]
) -> Iterator[tuple[StoredRecording, str]]:
    """Yield every recording that is not what its sidecar says, with the reason."""
    for stored in recordings:
        sidecar = store.sidecar(stored.address)
        if sidecar is None:
            yield stored, "its sidecar is missing or damaged"
            continue
        for suffix, size in stored.files:
            if reason := _damage(store, stored.address, suffix, size, sidecar):
                yield stored, f"{suffix}: {reason}"
                break


def find_surplus(recordings: Iterable[StoredRecording], most_bytes: int) -> list[Address]:
    """List what to remove so that the rest fits, the longest unheard first."""
    index = Index()
    for stored in sorted(recordings, key=lambda stored: -stored.heard_at):
        index.add_older(stored.address, stored.files)
    return [entry.address for entry in index.surplus(most_bytes)]


def find_by_name(recordings: Iterable[StoredRecording], names: Iterable[str]) -> list[Address]:
    """Find recordings by keys or paths; a name without a recording is an error."""
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
def locked(store: DiskStore) -> Iterator[None]:
    """Hold the cache's lock, so that no server removes from it meanwhile."""
    if not store.take_lock():
        raise Busy(
            f"A server uses the cache {store.root}.",
            hint="It keeps to cache.max_bytes itself; stop it to remove recordings by hand.",
        )
    try:
        yield
    finally:
        store.release_lock()


def with_progress(items: list[StoredRecording], what: str) -> Iterator[StoredRecording]:
    """Yield the items and show on a terminal how many are done."""
    bar = ProgressBar(what, len(items))
    for number, item in enumerate(items, 1):
        yield item
        bar.update(number, f"{number}/{len(items)}")
    bar.close()


def _damage(
    store: DiskStore, address: Address, suffix: str, size: int, sidecar: Sidecar
) -> str | None:
    """Return why a file cannot be believed; None when it can."""
    # A file that an older version wrote is made anew when it is asked for; until then it is whole.
    facts = sidecar.facts(suffix) or sidecar.files.get(suffix)
    if facts is None:
        return "the sidecar does not name it"
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
