"""Other formats and rates of a recording, made once from its WAV and kept beside it.

A recording that still grows is encoded as it grows. It knows no engine and no web.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from realtime.audio.encoding import ContainerWriter, encode
from realtime.audio.formats import FORMATS, Format
from realtime.audio.wav import header_for_size
from realtime.cache import (
    SIDECAR,
    WAV,
    Address,
    Cache,
    FileFacts,
    FinishedRecording,
    GrowingRecording,
    OpenedRecording,
    Production,
    Recording,
    Sidecar,
)


def suffix_of(wanted: Format, rate: int | None, own_rate: int) -> str:
    """`.ogg`, or `.16000.ogg` where the rate is not the one that it would have anyway."""
    found = wanted.rate_for(rate or own_rate)
    return wanted.suffix if found == wanted.rate_for(own_rate) else f".{found}{wanted.suffix}"


class OtherFormats:
    """A recording in whatever form it is asked for."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    @asynccontextmanager
    async def listen(self, address: Address, suffix: str) -> AsyncIterator[OpenedRecording | None]:
        """One file of a recording, encoded when there is only the WAV; None: there is none."""
        async with self._cache.listen(address, suffix) as there:
            if there is not None or suffix in (WAV, SIDECAR):
                yield there
                return
        async with self._cache.listen(address, WAV) as plain:
            if plain is None:
                yield None
                return
            finish = (
                plain.source.finish_alone if isinstance(plain.source, GrowingRecording) else True
            )
            work = self._work(address, suffix, plain.source)
            async with self._cache.open(address, suffix, work, finish) as opened:
                yield opened

    def _work(
        self, address: Address, suffix: str, source: GrowingRecording | FinishedRecording
    ) -> Production[GrowingRecording]:
        assert isinstance(source, Recording | FinishedRecording), "a WAV has a rate"
        rate, _, name = suffix[1:].rpartition(".")
        tape = ContainerWriter(FORMATS[name], source.sample_rate, int(rate) if rate else None)

        async def produce(growing: GrowingRecording) -> None:
            async with (
                self._cache.listen(address, WAV) as plain,
                aclosing(encode(source.spoken(), tape)) as parts,
            ):
                if plain is None:
                    return
                async for part in parts:
                    await growing.append(part.data)
                    await growing.wait_until_wanted()

        def head(growing: GrowingRecording) -> bytes:
            return header_for_size(tape.sample_rate, growing.size) if name == "wav" else b""

        async def sidecar(growing: GrowingRecording, facts: FileFacts) -> Sidecar | None:
            if isinstance(source, GrowingRecording) and not await source.wait_until_settled():
                return None
            found = await asyncio.to_thread(self._cache.store.sidecar, address)
            return found and found.with_file(suffix, facts)

        return Production(GrowingRecording, produce, head, sidecar)
