"""The command `cache`: recordings listed, checked and removed by hand, without a server."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from realtime.cache.address import KEY, Address
from realtime.cache.disk import DiskStore, StoredRecording
from realtime.cache.index import Index
from realtime.cache.sidecar import Sidecar
from realtime.cli.options import add_settings_options, settings_of
from realtime.cli.progress_bar import ProgressBar
from realtime.errors import BadRequest, Busy, NotFound

BLOCK_BYTES = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    listing = actions.add_parser("ls", help="list recordings, the longest unheard first")
    verify = actions.add_parser("verify", help="check every file against its sidecar")
    prune = actions.add_parser("prune", help="remove the longest unheard")
    prune.add_argument("--max-bytes", type=int, metavar="N", help="until N bytes are left")
    remove = actions.add_parser("rm", help="remove recordings")
    remove.add_argument("names", nargs="+", metavar="KEY", help="keys or paths of recordings")
    add_settings_options(listing, verify, prune, remove)


def run(options: argparse.Namespace) -> int:
    """List, check, shrink or remove recordings."""
    settings = settings_of(options)
    store = DiskStore(settings.cache.path)
    recordings = list_recordings(store)
    if options.action == "ls":
        return _list_recordings(recordings)
    if options.action == "verify":
        return _verify_recordings(store, recordings)
    with locked(store):
        if options.action == "rm":
            removed = find_by_name(recordings, options.names)
        else:
            most = settings.cache.max_bytes if options.max_bytes is None else options.max_bytes
            removed = find_surplus(recordings, most)
        for address in removed:
            store.remove(address)
    print(f"{len(removed)} of {len(recordings)} recordings removed")
    return 0


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


def _list_recordings(recordings: list[StoredRecording]) -> int:
    for stored in recordings:
        heard = time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.heard_at))
        formats = " ".join(suffix[1:] for suffix, _ in stored.files)
        size = size_of(stored)
        print(f"{heard}  {size:>10}  {stored.address.path()}  {formats}")
    total = sum(map(size_of, recordings))
    print(f"{len(recordings)} recordings, {total / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _verify_recordings(store: DiskStore, recordings: list[StoredRecording]) -> int:
    checked = with_progress(recordings, "checking")
    wrong = list(find_damaged(store, checked))
    for stored, reason in wrong:
        print(f"{stored.address.path()}  {reason}")
    print(f"{len(recordings)} recordings, {len(wrong)} wrong", file=sys.stderr)
    return 1 if wrong else 0
