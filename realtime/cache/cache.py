"""The cache: what was spoken once is not spoken again; one producer, any number of readers.

`open` is the one way in: a line's recording is there (hit), grows already (join), or begins now
(miss). A recording is kept when it is whole and on the disk, and not before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from realtime.cache.address import SIDECAR, WAV, Address
from realtime.cache.checked_read import read_checked
from realtime.cache.disk import DiskStore, PartFile
from realtime.cache.failures import Failures
from realtime.cache.growing import GrowingRecording
from realtime.cache.in_memory import MemoryCache
from realtime.cache.index import Index
from realtime.cache.listeners import Listeners
from realtime.cache.production import (
    OpenedRecording,
    Production,
    Source,
    close_when_unread,
    unless_abandoned,
)
from realtime.cache.recording import FinishedRecording
from realtime.errors import Busy, SynthesisFailed, YamabikoError
from realtime.settings import Settings

logger = logging.getLogger(__name__)

MOST_TOUCHED = 1_000
TOUCH_SECONDS = 60.0  # between two notes on the disk that a recording was heard
MOST_GROWING = 1_024
INTERNAL_FAILURE = "The recording failed; the server's log says why."


class Cache:
    """The recordings of one folder: on the disk, in memory, growing."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        count_event: Callable[[str], None] = lambda event: None,
    ) -> None:
        self.store = DiskStore(settings.cache.path)
        self.index = Index()
        self.memory = MemoryCache(settings.cache.memory_bytes)
        self.failures = Failures()
        self._most_bytes = settings.cache.max_bytes
        self._listeners = Listeners(settings.limits.listeners)
        self._clock = clock
        self._count_event = count_event
        self._growing: dict[tuple[str, str], GrowingRecording] = {}
        self._without_address: set[GrowingRecording] = set()
        self._tasks: dict[asyncio.Task[None], GrowingRecording | None] = {}
        self._touched: dict[str, float] = {}
        self._closing = False

    async def start(self) -> None:
        """Remove what a crash left, then read what there is."""
        begun = self._clock()
        for stored in await asyncio.to_thread(self.store.begin):
            self.index.add_older(stored.address, stored.files)
        await self._shrink()
        size, seconds = self.index.bytes / 1e6, self._clock() - begun
        logger.info("%d recordings, %.1f MB, scanned in %.2f s", len(self.index), size, seconds)

    async def close(self) -> None:
        """Give up what still grows and keep nothing of it; what is whole is kept first."""
        self._closing = True
        while self._tasks:
            for task, growing in self._tasks.items():
                if growing is not None and not growing.whole:
                    task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.store.release_lock)

    @property
    def busy(self) -> int:
        """Return the number of recordings that grow."""
        return len(self._growing) + len(self._without_address)

    def growing(self, key: str, suffix: str = WAV) -> GrowingRecording | None:
        return self._growing.get((key, suffix))

    def address(self, key: str) -> Address | None:
        """Find the address of a key whose recording is there, grows, or failed."""
        if (growing := self.growing(key)) is not None:
            return growing.address
        if (entry := self.index.get(key)) is not None:
            return entry.address
        return self.failures.address(key)

    @asynccontextmanager
    async def open(
        self, address: Address, suffix: str, production: Production[Any], finish: bool = False
    ) -> AsyncIterator[OpenedRecording]:
        """Open a recording, or begin it; it stays while the context lasts.

        With `finish` it is made to its end, whoever leaves.
        """
        self._listeners.check_room()
        opened = await self._find(address, suffix)
        if opened is None:
            # No await since the last look: nobody else can have begun the same.
            opened = self._begin(address, suffix, production)
        if finish and isinstance(opened.source, GrowingRecording):
            opened.source.finish_anyway()
        with self._listening(opened.source):
            yield opened

    @asynccontextmanager
    async def listen(self, address: Address, suffix: str) -> AsyncIterator[OpenedRecording | None]:
        """Open a recording, finished or growing; give None where there is none."""
        self._listeners.check_room()
        opened = await self._find(address, suffix)
        if opened is None:
            yield None
            return
        with self._listening(opened.source):
            yield opened

    @asynccontextmanager
    async def open_without_address(
        self, production: Production[Any]
    ) -> AsyncIterator[GrowingRecording]:
        """Begin a recording that nobody else finds, and that is kept only if it gets an address."""
        self._listeners.check_room()
        growing = self._start(WAV, "nameless", production)
        self._without_address.add(growing)
        with self._listening(growing):
            yield growing

    def give_address(self, growing: GrowingRecording, address: Address) -> None:
        """Make a recording that of a line; where the line has one already, that one stays."""
        if self.index.get(address.key) is None and self.growing(address.key) is None:
            growing.address = address
            self._growing[address.key, WAV] = growing
            self._without_address.discard(growing)

    async def find_finished(self, address: Address, suffix: str) -> FinishedRecording | None:
        """Return a whole file, checked when it comes from the disk; None when there is none."""
        found = self.memory.get(address.key, suffix)
        if found is None:
            found = await asyncio.to_thread(read_checked, self.store, address, suffix)
            if found is None:
                await self._forget_lost(address, suffix)
                return None
            if suffix != SIDECAR:
                self.index.put(address, suffix, found.size)
            self.memory.put(found)
        if found.address != address:
            return None
        self.note_heard(address)
        return found

    def note_heard(self, address: Address) -> None:
        """Make it the last one to be removed; the disk learns of it once a minute at most."""
        self.index.note_heard(address.key)
        now = self._clock()
        if now - self._touched.get(address.key, -TOUCH_SECONDS) < TOUCH_SECONDS:
            return
        if len(self._touched) > MOST_TOUCHED:
            self._touched.clear()
        self._touched[address.key] = now
        self._in_background(asyncio.to_thread(self.store.touch, address))

    async def remove(self, address: Address) -> None:
        self.index.forget(address.key)
        self.memory.forget(address.key)
        await asyncio.to_thread(self.store.remove, address)

    async def _find(self, address: Address, suffix: str) -> OpenedRecording | None:
        opened = self._find_growing(address, suffix)
        if opened is None and (kept := await self.find_finished(address, suffix)) is not None:
            return OpenedRecording("hit", address, kept)
        # Another caller may have begun it while the disk was asked.
        return opened or self._find_growing(address, suffix)

    def _find_growing(self, address: Address, suffix: str) -> OpenedRecording | None:
        found = self.growing(address.key, suffix)
        if found is None or not found.joinable:
            return None
        return OpenedRecording("join", address, found)

    def _begin(self, address: Address, suffix: str, production: Production[Any]) -> OpenedRecording:
        growing = self._start(suffix, address.key, production)
        growing.address = address
        self._growing[address.key, suffix] = growing
        self.failures.forget(address.key)
        return OpenedRecording("miss", address, growing)

    def _start(self, suffix: str, part_name: str, production: Production[Any]) -> GrowingRecording:
        if self._closing:
            raise Busy("The server is stopping.", code="stopping", retry_after=5)
        if self.busy >= MOST_GROWING:
            raise Busy(f"{self.busy} recordings already grow.", retry_after=2)
        growing: GrowingRecording = production.create()
        growing.part = self.store.new_part(part_name, suffix)
        self._in_background(self._produce(suffix, growing, growing.part, production), growing)
        return growing

    async def _produce(
        self, suffix: str, growing: GrowingRecording, part: PartFile, production: Production[Any]
    ) -> None:
        """Make a recording, from its first byte to its place in the index."""
        try:
            await unless_abandoned(production.produce(growing), growing)
            growing.end()
            if growing.address is not None:
                await self._keep(growing.address, suffix, growing, part, production)
        except YamabikoError as error:
            self._fail(suffix, growing, error)
        except asyncio.CancelledError:
            self._fail(suffix, growing, Busy("Nobody waited for it any more."))
            raise
        except Exception:  # whatever it is, it ends this recording alone
            logger.exception("a recording failed")
            self._fail(suffix, growing, SynthesisFailed(INTERNAL_FAILURE))
        finally:
            growing.settle()
            await asyncio.shield(self._release_part(growing, part))
            self._without_address.discard(growing)
            # It may be another one's by now, begun anew after this one was given up.
            if growing.address and self.growing(growing.address.key, suffix) is growing:
                del self._growing[growing.address.key, suffix]

    async def _keep(
        self,
        address: Address,
        suffix: str,
        growing: GrowingRecording,
        part: PartFile,
        production: Production[Any],
    ) -> None:
        """Put it on the disk and into the index; a disk that fails costs only the keeping."""
        try:
            header = production.header(growing)
            facts = await asyncio.to_thread(part.seal, growing.take_unwritten(), header)
            sidecar = await production.sidecar(growing, facts)
            if sidecar is None:
                return
            await asyncio.to_thread(self.store.keep, part, address, suffix, sidecar)
        except OSError as error:
            self._count_event("not_kept")
            logger.error("%s cannot be kept: %s", address.path(suffix), error.strerror or error)
            return
        growing.kept = True
        self.memory.forget(address.key)
        self.index.put(address, suffix, facts.bytes)
        await self._shrink()

    def _fail(self, suffix: str, growing: GrowingRecording, error: YamabikoError) -> None:
        growing.fail(error)
        if suffix == WAV and growing.finish_alone and growing.address is not None:
            self.failures.add(growing.address, error)

    async def _release_part(self, growing: GrowingRecording, part: PartFile) -> None:
        """Remove from the disk what was not kept; who still reads it may read to the end."""
        if not growing.kept:
            await asyncio.to_thread(part.discard)
        self._in_background(close_when_unread(growing, part))

    async def _forget_lost(self, address: Address, suffix: str) -> None:
        """Remove a recording whose file is not there or is not what its sidecar says."""
        entry = self.index.get(address.key)
        if suffix == WAV and entry is not None and entry.address == address and not entry.readers:
            logger.warning("%s is lost or damaged and is forgotten", address.path(suffix))
            self._count_event("lost")
            await self.remove(address)

    @contextmanager
    def _listening(self, source: Source) -> Iterator[None]:
        """Keep a growing recording going and a finished one on the disk while it is heard."""
        with self._listeners.counted():
            if isinstance(source, GrowingRecording):
                with source.listening():
                    yield
            else:
                with self.index.reading(source.address):
                    yield

    async def _shrink(self) -> None:
        """Remove the longest unheard recordings down to the bound; only the lock's holder does."""
        if not self.store.has_lock:
            return
        for entry in self.index.surplus(self._most_bytes):
            self._count_event("evicted")
            await self.remove(entry.address)

    def _in_background(
        self, work: Coroutine[Any, Any, None], growing: GrowingRecording | None = None
    ) -> None:
        task = asyncio.create_task(work)
        self._tasks[task] = growing
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
