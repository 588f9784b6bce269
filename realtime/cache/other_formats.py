"""Recordings in other formats and at other rates, made once from the WAV and kept beside it.

A recording that still grows is encoded as it grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from realtime.audio.encoding import ContainerWriter, encode
from realtime.audio.formats import FORMATS, Format
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
    """Return `.ogg`, or `.16000.ogg` where the rate is not the one it would have anyway."""
    found = wanted.rate_for(rate or own_rate)
    return wanted.suffix if found == wanted.rate_for(own_rate) else f".{found}{wanted.suffix}"


def _ending_with_listeners(opened: OpenedRecording | None) -> OpenedRecording | None:
    """Make a recording that grows end when its last listener leaves; return it."""
    if opened is not None and isinstance(opened.source, GrowingRecording):
        opened.source.finish_alone = False
    return opened


class OtherFormats:
    """Recordings in other formats and at other rates than they were spoken in."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    @asynccontextmanager
    async def listen(
        self, address: Address, suffix: str, finish: bool = True
    ) -> AsyncIterator[OpenedRecording | None]:
        """Open one file of a recording, encoded where there is only the WAV.

        It gives None where there is not even that: no synthesis is begun. Without `finish`, what
        still grows ends with its last listener; that is the file, and the WAV of which it is made.
        """
        async with self._cache.listen(address, suffix) as existing:
            if existing is not None or suffix in (WAV, SIDECAR):
                yield existing if finish else _ending_with_listeners(existing)
                return
        async with self._cache.listen(address, WAV) as wav:
            if wav is None:
                yield None
                return
            if not finish:
                _ending_with_listeners(wav)
            source = wav.source
            alone = source.finish_alone if isinstance(source, GrowingRecording) else finish
            production = self._production(address, suffix, source)
            async with self._cache.open(address, suffix, production, alone) as opened:
                yield opened

    def _production(
        self, address: Address, suffix: str, source: GrowingRecording | FinishedRecording
    ) -> Production[GrowingRecording]:
        """Return how a WAV is encoded into the file with this suffix."""
        assert isinstance(source, Recording | FinishedRecording), "a WAV has a rate"
        rate, _, name = suffix[1:].rpartition(".")
        writer = ContainerWriter(FORMATS[name], source.sample_rate, int(rate) if rate else None)

        async def produce(growing: GrowingRecording) -> None:
            async with (
                self._cache.listen(address, WAV) as wav,
                aclosing(encode(source.spoken(), writer)) as parts,
            ):
                if wav is None:
                    return
                async for part in parts:
                    await growing.append(part.data)
                    await growing.wait_until_wanted()

        async def sidecar(growing: GrowingRecording, facts: FileFacts) -> Sidecar | None:
            if isinstance(source, GrowingRecording) and not await source.wait_until_settled():
                return None
            found = await asyncio.to_thread(self._cache.store.sidecar, address)
            return None if found is None else found.with_file(suffix, facts)

        return Production(GrowingRecording, produce, lambda _: writer.head, sidecar)
