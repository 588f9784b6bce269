"""Spoken sound as the bytes of a container, encoded while it is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar, cast

from realtime.audio.formats import ContainerEncoder, Format, make_encoder
from realtime.audio.samples import Pcm
from realtime.audio.spoken import Spoken, Word
from realtime.errors import NothingToSay
from realtime.threads import run_in_thread

T = TypeVar("T")

SLICE_SECONDS = 0.1  # fed to a codec at once: encoding a second takes up to 40 ms


@dataclass(frozen=True)
class EncodedPart:
    """Some bytes of the container, and the words and timings of the sound in them."""

    data: bytes
    words: tuple[Word, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)  # as in Spoken


class ContainerWriter:
    """An encoder at work: codecs run off the loop, plain copying where it is called."""

    def __init__(self, wanted: Format, source_rate: int, target_rate: int | None) -> None:
        self.format = wanted
        self.sample_rate = wanted.rate_for(target_rate or source_rate)
        self.seconds = 0.0  # of sound that was fed
        self.head = b""  # of the finished file: it replaces as many of the first bytes
        self._source_rate, self._target_rate = source_rate, target_rate
        # A thread costs more than copying samples does, and the first sound waits for it.
        self._heavy = bool(wanted.codec) or self.sample_rate != source_rate
        self._opening: asyncio.Future[ContainerEncoder] | None = None

    async def __aenter__(self) -> ContainerWriter:
        # A codec takes its time to open: that passes while the engine makes its first sound.
        opening = self._run(make_encoder, self.format, self._source_rate, self._target_rate)
        self._opening = asyncio.ensure_future(opening)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._run((await self._encoder()).close)

    def slices(self, pcm: Pcm) -> Iterator[Pcm]:
        """Cut sound into the lengths to feed: the first bytes need not wait for the last."""
        length = round(SLICE_SECONDS * self._source_rate) if self._heavy else max(1, pcm.size)
        return (pcm[start : start + length] for start in range(0, pcm.size, length))

    async def feed(self, pcm: Pcm) -> bytes:
        """Return the bytes for some samples, the container's head before the first of them."""
        encoder = await self._encoder()
        head = b"" if self.seconds else await self._run(encoder.start)
        self.seconds += pcm.size / self._source_rate
        return head + await self._run(encoder.feed, pcm)

    async def finish(self) -> bytes:
        encoder = await self._encoder()
        tail = await self._run(encoder.finish)
        self.head = encoder.head()
        return tail

    def with_final_head(self, start: bytes) -> bytes:
        """Return the first bytes of the file as they are now that it is finished."""
        return self.head + start[len(self.head) :]

    async def _encoder(self) -> ContainerEncoder:
        assert self._opening is not None, "a container writer is used inside `async with`"
        return await asyncio.shield(self._opening)

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await run_in_thread(function, *arguments) if self._heavy else function(*arguments)


async def encode(
    spoken: AsyncIterator[Spoken], writer: ContainerWriter
) -> AsyncGenerator[EncodedPart, None]:
    """Yield a line's sound as the container's bytes, its tail with the last words.

    A line without sound raises NothingToSay: players refuse an empty container.
    """
    words: tuple[Word, ...] = ()
    async with writer, aclosing(cast("AsyncGenerator[Spoken, None]", spoken)) as parts:
        async for part in parts:
            words += part.words
            for place, pcm in enumerate(writer.slices(part.pcm)):
                yield EncodedPart(await writer.feed(pcm), words, {} if place else part.timing)
                words = ()
        if not writer.seconds:
            raise NothingToSay("The engine has no sound for this text.", field="text")
        yield EncodedPart(await writer.finish(), words)
