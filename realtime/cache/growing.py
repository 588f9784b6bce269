"""A recording that grows until it is whole or fails; any number of readers, each from byte 0.

One producer appends; readers wait for more at their own pace. Old bytes lie in a part file on the
disk, new ones in memory too, so that a listener never waits for a disk, and a disk that fails costs
only the keeping.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from realtime.change_event import ChangeEvent
from realtime.errors import SynthesisFailed, YamabikoError

if TYPE_CHECKING:
    from realtime.cache.address import Address
    from realtime.cache.disk import PartFile

logger = logging.getLogger(__name__)

WINDOW_BYTES = 1 << 20  # kept in memory though they are on the disk: 20 s of PCM16 at 24 kHz
MOST_UNWRITTEN_BYTES = 64 << 20  # held of one recording when the disk takes nothing
WRITE_BYTES = 1 << 18  # collected before the disk is asked
READ_BYTES = 1 << 16  # given to a reader at once
FIRST_BYTES = 1 << 12  # given at first: 85 ms of PCM16 at 24 kHz, enough to begin to play


class GrowingRecording:
    """A sequence of bytes with one producer and many readers; used on one loop only."""

    def __init__(
        self,
        finish_alone: bool = False,
        window: int = WINDOW_BYTES,
        write: int = WRITE_BYTES,
        lead: int = 0,
    ) -> None:
        self.finish_alone = finish_alone  # it is made to its end though nobody listens
        self.size = 0
        self.readers = 0
        self.whole = False
        self.error: YamabikoError | None = None
        self.address: Address | None = None
        self.part: PartFile | None = None
        self.kept = False
        self._given_up = False
        self._window = window
        self._write = write
        self._lead = lead  # bytes that are made ahead of the furthest reader
        self._blocks: list[bytes] = []
        self._unwritten: list[bytes] = []
        self._start = 0  # offset of the first block in memory
        self._furthest = 0  # offset of the furthest reader
        self._changed = ChangeEvent()
        self._left = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def joinable(self) -> bool:
        """Tell whether a new listener can expect to hear it to its end."""
        return self.error is None and not self._given_up

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count one listener while the context lasts; the last one to leave tells the producer."""
        self.readers += 1
        self._changed.announce()
        try:
            yield
        finally:
            self.readers -= 1
            if not self.readers:
                self._left.set()

    async def append(self, data: bytes) -> None:
        """Hand bytes to the readers, then to the disk."""
        if not data:
            return
        self._blocks.append(data)
        self._unwritten.append(data)
        self.size += len(data)
        self._changed.announce()
        # Most lines are written once, when they are whole: nobody reads what memory holds.
        if self.part is not None and sum(map(len, self._unwritten)) >= self._write:
            await asyncio.to_thread(self.part.write, self.take_unwritten())
        self._shrink()

    def take_unwritten(self) -> bytes:
        """Take the bytes that the disk has not got yet; the caller must write them."""
        data = b"".join(self._unwritten)
        self._unwritten.clear()
        return data

    async def wait_until_wanted(self) -> None:
        """Return when a listener is near the end, or at once when it is finished anyway."""
        while not self.finish_alone and self._furthest + self._lead < self.size:
            await self._changed.wait()

    async def wait_until_abandoned(self) -> None:
        """Return when the last listener has left and nobody wants it finished."""
        while True:
            await self._left.wait()
            self._left.clear()
            if not self.readers and not self.finish_alone:
                self._given_up = True
                return

    async def wait_until_unread(self) -> None:
        """Return when nobody listens any more."""
        while self.readers:
            self._left.clear()
            await self._left.wait()

    async def wait_until_settled(self) -> bool:
        """Return whether it is kept, when that was decided."""
        await self._settled.wait()
        return self.kept

    def settle(self) -> None:
        self._settled.set()

    def finish_anyway(self) -> None:
        """Let it be made to its end though nobody listens."""
        self.finish_alone = True
        self._changed.announce()

    def end(self) -> None:
        self.whole = True
        self._changed.announce()

    def fail(self, error: YamabikoError) -> None:
        self.error = error
        self._changed.announce()

    async def read(self, offset: int) -> bytes:
        """Return some bytes from an offset on, as soon as there are any; none at the end."""
        while offset >= self.size:
            if self.error is not None:
                raise self.error.copy()
            if self.whole:
                return b""
            await self._changed.wait()
        if FIRST_BYTES <= offset < 2 * FIRST_BYTES:
            await asyncio.sleep(0)  # every listener's first part leaves before any second one
        if offset < self._start:
            data = await self._read_part(offset)
        else:
            data = self._read_memory(offset)
        if offset + len(data) > self._furthest:
            self._furthest = offset + len(data)
            self._changed.announce()
        return data

    async def chunks(self, offset: int = 0) -> AsyncIterator[bytes]:
        while data := await self.read(offset):
            offset += len(data)
            yield data

    async def _read_part(self, offset: int) -> bytes:
        assert self.part is not None, "what left the memory is on the disk"
        size = min(READ_BYTES, self._start - offset)
        try:
            data = await asyncio.to_thread(self.part.read, offset, size)
        except OSError as error:
            raise SynthesisFailed("The recording can no longer be read.") from error
        if not data:
            raise SynthesisFailed("The recording can no longer be read.")
        return data

    def _read_memory(self, offset: int) -> bytes:
        """Return a block or the rest of one; at first a small part, so that no listener waits."""
        most = FIRST_BYTES if offset < FIRST_BYTES else READ_BYTES
        place = self._start
        for block in self._blocks:
            if offset < place + len(block):
                return block[offset - place : offset - place + most]
            place += len(block)
        raise AssertionError("an offset under the size lies in a block")

    def _shrink(self) -> None:
        """Drop from memory what is old and on the disk; without a disk there is a bound."""
        written = self.part.written if self.part is not None else 0
        while self._blocks and self.size - self._start > self._window:
            if self._start + len(self._blocks[0]) > written:
                break
            self._start += len(self._blocks.pop(0))
        if self.size - self._start > self._window + MOST_UNWRITTEN_BYTES:
            raise SynthesisFailed(
                "The line is too long to be held in memory, and the disk takes nothing.",
                code="cannot_keep",
            )
