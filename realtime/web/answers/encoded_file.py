"""A recording that is encoded into a file without a name, as its sound comes."""

from __future__ import annotations

from contextlib import AsyncExitStack
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np

from realtime.audio.encoding import ContainerWriter
from realtime.audio.formats import Format
from realtime.audio.samples import Pcm
from realtime.errors import BadRequest
from realtime.threads import run_in_thread

IN_MEMORY_BYTES = 1 << 16  # of each file, as there are many at once; the rest is on the disk
HELD_SECONDS = 1.0  # of sound that is encoded in one go: a thread is asked for each


class EncodedFile:
    """A file in the making; `content` is the whole file when it is finished."""

    def __init__(self, wanted: Format, rate: int) -> None:
        self._writer = ContainerWriter(wanted, rate, None)
        self._rate = rate
        self.content: IO[bytes] = SpooledTemporaryFile(IN_MEMORY_BYTES)
        self._held: list[Pcm] = []
        self._stack = AsyncExitStack()

    @property
    def seconds(self) -> float:
        """Return how much sound was encoded."""
        return self._writer.seconds

    async def open(self) -> None:
        await self._stack.enter_async_context(self._writer)

    async def add(self, pcm: Pcm) -> None:
        self._held.append(pcm)
        if sum(part.size for part in self._held) >= HELD_SECONDS * self._rate:
            await self._write_held()

    async def finish(self) -> None:
        """End the file; refuse one without sound."""
        await self._write_held()
        if not self._writer.seconds:
            raise BadRequest("The audio holds no sound.", code="bad_audio", field="audio")
        tail = await self._writer.finish()
        await run_in_thread(self._end_file, tail)

    async def close(self) -> None:
        try:
            await self._stack.aclose()
        finally:
            self.content.close()

    async def _write_held(self) -> None:
        if self._held:
            pcm = np.concatenate(self._held)
            self._held = []
            data = [await self._writer.feed(part) for part in self._writer.slices(pcm)]
            await run_in_thread(self.content.write, b"".join(data))

    def _end_file(self, tail: bytes) -> None:
        self.content.write(tail)
        self.content.seek(0)
        self.content.write(self._writer.head)
