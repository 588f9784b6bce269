"""The cache itself: what was once spoken is spoken no more; one producer, any number of readers.

`open` is the one way in: a line's recording is there (hit), grows already (join), or begins now
(miss). A recording is kept when it is whole and on the disk, and not before. It knows no engine.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from realtime.cache.address import SIDECAR, WAV, Address
from realtime.cache.checked_read import load
from realtime.cache.disk import DiskStore, PartFile, StoredRecording
from realtime.cache.growing import GrowingRecording
from realtime.cache.in_memory import MemoryCache
from realtime.cache.index import Index
from realtime.cache.recording import FinishedRecording
from realtime.cache.work import (
    OpenedRecording,
    Production,
    Source,
    closed_when_unread,
    unless_abandoned,
)
from realtime.errors import Busy, SynthesisFailed, YamabikoError
from realtime.settings import Settings

logger = logging.getLogger(__name__)

MOST_FAILURES = 1_000  # remembered, so that one can ask what became of a line
TOUCH_SECONDS = 60.0  # how often it is noted on the disk that a recording was heard
MOST_GROWING = 1_024


class Cache:
    """All recordings of one folder."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        noticed: Callable[[str], None] = lambda event: None,
    ) -> None:
        self.store = DiskStore(settings.cache.path)
        self.index = Index()
        self.memory = MemoryCache(settings.cache.memory_bytes)
        self.failures: OrderedDict[str, tuple[Address, YamabikoError]] = OrderedDict()
        self._most_bytes = settings.cache.max_bytes
        self._most_listeners = settings.limits.listeners
        self._listeners = 0
        self._clock = clock
        self._noticed = noticed
        self._growing: dict[tuple[str, str], GrowingRecording] = {}
        self._nameless: set[GrowingRecording] = set()
        self._tasks: dict[asyncio.Task[None], GrowingRecording | None] = {}
        self._touched: dict[str, float] = {}
        self._closing = False

    async def start(self) -> None:
        """Sweep up what a crash left, then see what there is."""
        begun = self._clock()
        for stored in await asyncio.to_thread(self._found):
            self.index.add_older(stored.address, stored.files)
        await self._shrink()
        size, seconds = self.index.bytes / 1e6, self._clock() - begun
        logger.info("%d recordings, %.1f MB, scanned in %.2f s", len(self.index), size, seconds)

    async def close(self) -> None:
        """Give up what still grows, of which nothing is kept; what is whole is kept first."""
        self._closing = True
        while self._tasks:
            for task, growing in self._tasks.items():
                if growing is not None and not growing.whole:
                    task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.store.release_lock)

    @property
    def busy(self) -> int:
        """How many recordings grow."""
        return len(self._growing) + len(self._nameless)

    def growing(self, key: str, suffix: str = WAV) -> GrowingRecording | None:
        return self._growing.get((key, suffix))

    def address(self, key: str) -> Address | None:
        """Where the recording of a key is, grows, or failed to."""
        if (growing := self.growing(key)) is not None:
            return growing.address
        if (entry := self.index.get(key)) is not None:
            return entry.address
        return self.failures[key][0] if key in self.failures else None

    @asynccontextmanager
    async def open(
        self, address: Address, suffix: str, work: Production[Any], finish: bool = False
    ) -> AsyncIterator[OpenedRecording]:
        """The recording of an address for as long as it is listened to."""
        self._check_room()
        # From here to its entry nobody waits, so nobody else begins the same.
        opened = await self._there(address, suffix) or self._begun(address, suffix, work)
        if finish and isinstance(opened.source, GrowingRecording):
            opened.source.finish_anyway()
        with self._listening(opened.source):
            yield opened

    @asynccontextmanager
    async def listen(self, address: Address, suffix: str) -> AsyncIterator[OpenedRecording | None]:
        """What there is at an address, finished or growing; nothing is begun."""
        self._check_room()
        opened = await self._there(address, suffix)
        if opened is None:
            yield None
            return
        with self._listening(opened.source):
            yield opened

    @asynccontextmanager
    async def nameless(self, work: Production[Any]) -> AsyncIterator[GrowingRecording]:
        """A recording that nobody else finds, and that is not kept, until it is given a name."""
        self._check_room()
        growing = self._started(WAV, "nameless", work)
        self._nameless.add(growing)
        with self._listening(growing):
            yield growing

    def name(self, growing: GrowingRecording, address: Address) -> None:
        """A recording has become a line's; where there is one or grows one, that one stays."""
        if self.index.get(address.key) is None and self.growing(address.key) is None:
            growing.address = address
            self._growing[address.key, WAV] = growing
            self._nameless.discard(growing)

    async def find_finished(self, address: Address, suffix: str) -> FinishedRecording | None:
        """A whole file, checked when it comes from the disk; None when there is none."""
        found = self.memory.get(address.key, suffix)
        if found is None:
            found = await asyncio.to_thread(load, self.store, address, suffix)
            if found is None:
                await self._forget(address, suffix)
                return None
            if suffix != SIDECAR:
                self.index.put(address, suffix, found.size)
            self.memory.put(found)
        if found.address != address:
            return None
        self.note_heard(address)
        return found

    def note_heard(self, address: Address) -> None:
        """It goes last from now on; the disk learns it now and then."""
        self.index.note_heard(address.key)
        now = self._clock()
        if now - self._touched.get(address.key, -TOUCH_SECONDS) < TOUCH_SECONDS:
            return
        if len(self._touched) > MOST_FAILURES:
            self._touched.clear()
        self._touched[address.key] = now
        self._in_background(asyncio.to_thread(self.store.touch, address))

    async def remove(self, address: Address) -> None:
        self.index.forget(address.key)
        self.memory.forget(address.key)
        await asyncio.to_thread(self.store.remove, address)

    def _found(self) -> list[StoredRecording]:
        """What a scan finds, the last heard first; the lock's holder sweeps up before."""
        if self.store.take_lock():
            self.store.clean()
        found = list(self.store.scan())
        if self.store.has_lock:
            for stored in found:
                if not stored.whole:
                    self.store.remove(stored.address)
        return sorted(filter(lambda stored: stored.whole, found), key=lambda stored: -stored.heard)

    async def _there(self, address: Address, suffix: str) -> OpenedRecording | None:
        opened = self._joined(address, suffix)
        if opened is None and (kept := await self.find_finished(address, suffix)) is not None:
            return OpenedRecording("hit", address, kept)
        # Somebody may have begun while the disk was asked.
        return opened or self._joined(address, suffix)

    def _joined(self, address: Address, suffix: str) -> OpenedRecording | None:
        found = self.growing(address.key, suffix)
        return (
            OpenedRecording("join", address, found)
            if found is not None and found.joinable
            else None
        )

    def _begun(self, address: Address, suffix: str, work: Production[Any]) -> OpenedRecording:
        growing = self._started(suffix, address.key, work)
        growing.address = address
        self._growing[address.key, suffix] = growing
        self.failures.pop(address.key, None)
        return OpenedRecording("miss", address, growing)

    def _started(self, suffix: str, named: str, work: Production[Any]) -> GrowingRecording:
        if self._closing:
            raise Busy("The server is stopping.", code="stopping", retry_after=5)
        if self.busy >= MOST_GROWING:
            raise Busy(f"{self.busy} recordings already grow.", retry_after=2)
        growing: GrowingRecording = work.growing()
        growing.part = self.store.part(named, suffix)
        self._in_background(self._made(suffix, growing, growing.part, work), growing)
        return growing

    async def _made(
        self, suffix: str, growing: GrowingRecording, part: PartFile, work: Production[Any]
    ) -> None:
        """The life of a growing recording, from its first byte to its place on the shelf."""
        try:
            await unless_abandoned(work.produce(growing), growing)
            growing.end()
            if growing.address is not None:
                await self._kept(growing.address, suffix, growing, part, work)
        except YamabikoError as error:
            self._failed(suffix, growing, error)
        except asyncio.CancelledError:
            self._failed(suffix, growing, Busy("Nobody waited for it any more."))
            raise
        except Exception as error:  # whatever it is, it ends this recording alone
            logger.exception("a recording failed")
            self._failed(suffix, growing, SynthesisFailed(f"It failed: {error!r}"))
        finally:
            growing.settle()
            await asyncio.shield(self._let_go(growing, part))
            self._nameless.discard(growing)
            # Where somebody began anew meanwhile, it is theirs now.
            if growing.address and self.growing(growing.address.key, suffix) is growing:
                del self._growing[growing.address.key, suffix]

    async def _kept(
        self,
        address: Address,
        suffix: str,
        growing: GrowingRecording,
        part: PartFile,
        work: Production[Any],
    ) -> None:
        """Onto the disk and the shelf; a disk that fails costs the keeping and nothing else."""
        try:
            facts = await asyncio.to_thread(part.seal, growing.unwritten(), work.head(growing))
            sidecar = await work.sidecar(growing, facts)
            if sidecar is None:
                return
            await asyncio.to_thread(self.store.keep, part, address, suffix, sidecar)
        except OSError as error:
            self._noticed("not_kept")
            logger.error("%s cannot be kept: %s", address.path(suffix), error.strerror or error)
            return
        growing.kept = True
        self.memory.forget(address.key)
        self.index.put(address, suffix, facts.bytes)
        await self._shrink()

    def _failed(self, suffix: str, growing: GrowingRecording, error: YamabikoError) -> None:
        growing.fail(error)
        if suffix == WAV and growing.finish_alone and growing.address is not None:
            self.failures[growing.address.key] = (growing.address, error)
            while len(self.failures) > MOST_FAILURES:
                self.failures.popitem(last=False)

    async def _let_go(self, growing: GrowingRecording, part: PartFile) -> None:
        """What was not kept leaves the disk at once; who still reads may end in peace."""
        if not growing.kept:
            await asyncio.to_thread(part.discard)
        self._in_background(closed_when_unread(growing, part))

    async def _forget(self, address: Address, suffix: str) -> None:
        """A file that is not there or cannot be believed is no recording."""
        entry = self.index.get(address.key)
        if suffix == WAV and entry is not None and entry.address == address and not entry.readers:
            logger.warning("%s is lost or damaged and is forgotten", address.path(suffix))
            self._noticed("lost")
            await self.remove(address)

    def _check_room(self) -> None:
        if self._listeners >= self._most_listeners:
            raise Busy(
                f"{self._listeners} listeners are being served, which is the limit.",
                code="too_many_listeners",
                hint="Ask again in a moment.",
                retry_after=1,
            )

    @contextmanager
    def _listening(self, source: Source) -> Iterator[None]:
        """While it is listened to, a growing one goes on and a finished one stays."""
        self._listeners += 1
        try:
            if isinstance(source, GrowingRecording):
                with source.listening():
                    yield
            else:
                with self.index.reading(source.address):
                    yield
        finally:
            self._listeners -= 1

    async def _shrink(self) -> None:
        """Down to the bound: the longest unheard go, by the lock's holder only."""
        if not self.store.has_lock:
            return
        for entry in self.index.surplus(self._most_bytes):
            self._noticed("evicted")
            await self.remove(entry.address)

    def _in_background(
        self, work: Coroutine[Any, Any, None], growing: GrowingRecording | None = None
    ) -> None:
        task = asyncio.create_task(work)
        self._tasks[task] = growing
        task.add_done_callback(lambda done: self._tasks.pop(done, None) and None)
