"""Sound into the bytes of a container while it is spoken; it knows no web."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar, cast

from realtime.audio.formats import ContainerEncoder, Format, encoder
from realtime.audio.samples import Pcm
from realtime.audio.spoken import Spoken, Word
from realtime.errors import NothingToSay
from realtime.threads import off_the_loop

T = TypeVar("T")

SLICE_SECONDS = 0.1  # encoding a second takes up to 40 ms


@dataclass(frozen=True)
class EncodedPart:
    """Some bytes of the container, and what is known of the sound in them."""

    data: bytes
    words: tuple[Word, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)


class ContainerWriter:
    """An encoder at work: heavy ones off the loop, the copying ones where they are called."""

    def __init__(self, found: Format, source_rate: int, target_rate: int | None) -> None:
        self.format = found
        self.sample_rate = found.rate_for(target_rate or source_rate)
        self.seconds = 0.0
        self._source_rate = source_rate
        # A thread costs more than copying samples does, and the first sound waits for it.
        self._heavy = bool(found.codec) or self.sample_rate != source_rate
        self._made: asyncio.Future[ContainerEncoder] | None = None

    async def __aenter__(self) -> ContainerWriter:
        # Codecs take their time to open: that passes while the engine makes its first sound.
        making = self._run(encoder, self.format, self._source_rate, self.sample_rate)
        self._made = asyncio.ensure_future(making)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._run((await self._encoder()).close)

    def slices(self, pcm: Pcm) -> Iterator[Pcm]:
        """Sound in the lengths in which it is fed: the first bytes need not wait for the last."""
        length = round(SLICE_SECONDS * self._source_rate) if self._heavy else max(1, pcm.size)
        return (pcm[start : start + length] for start in range(0, pcm.size, length))

    async def feed(self, pcm: Pcm) -> bytes:
        """The bytes for some samples, with the container's head before the first."""
        made = await self._encoder()
        head = b"" if self.seconds else await self._run(made.start)
        self.seconds += pcm.size / self._source_rate
        return head + await self._run(made.feed, pcm)

    async def finish(self) -> bytes:
        return await self._run((await self._encoder()).finish)

    async def _encoder(self) -> ContainerEncoder:
        assert self._made is not None, "a tape is used inside `async with`"
        return await asyncio.shield(self._made)

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await off_the_loop(function, *arguments) if self._heavy else function(*arguments)


async def encode(
    spoken: AsyncIterator[Spoken], tape: ContainerWriter
) -> AsyncGenerator[EncodedPart, None]:
    """A line's sound as the container's bytes, part by part, with its tail; never without sound."""
    words: tuple[Word, ...] = ()
    async with tape, aclosing(cast("AsyncGenerator[Spoken, None]", spoken)) as coming:
        async for heard in coming:
            words += heard.words
            for place, pcm in enumerate(tape.slices(heard.pcm)):
                yield EncodedPart(await tape.feed(pcm), words, {} if place else heard.timing)
                words = ()
        if not tape.seconds:
            raise NothingToSay("The engine has no sound for this text.", field="text")
        yield EncodedPart(await tape.finish(), words)
