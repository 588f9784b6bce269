"""A line's recording, growing or finished, and the sound in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import aiofiles
import numpy as np

from realtime.audio.samples import pcm_from_bytes, pcm_to_bytes
from realtime.audio.spoken import Spoken, Word
from realtime.audio.wav import HEADER_BYTES, samples_in, wav_header
from realtime.cache.address import Address
from realtime.cache.disk import DiskStore
from realtime.cache.growing import GrowingRecording
from realtime.cache.sidecar import Sidecar

BLOCK_BYTES = 1 << 18  # read from the disk at once
# A listener that takes sound only as it is played must find the next piece made: the slowest
# engines need this long for one.
LEAD_SECONDS = 3.0


class Recording(GrowingRecording):
    """A line that is being spoken: a WAV file on its way, with its words."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(lead=2 * round(LEAD_SECONDS * sample_rate))
        self.sample_rate = sample_rate
        self.words: list[Word] = []
        self.timing: Mapping[str, float] = {}
        self._patient = 0  # listeners that are not in a hurry

    @property
    def samples(self) -> int:
        return samples_in(self.size)

    @property
    def urgent(self) -> bool:
        """Tell whether a listener waits for it who is in a hurry."""
        return self.finish_alone or self.readers > self._patient

    @contextmanager
    def patient_listener(self) -> Iterator[None]:
        """Note that one listener is not in a hurry: what only such ones wait for is made last."""
        self._patient += 1
        try:
            yield
        finally:
            self._patient -= 1

    def header(self) -> bytes:
        return wav_header(self.sample_rate, self.samples)

    async def add(self, spoken: Spoken) -> None:
        """Append a part of the sound, before the first one the header of the file."""
        self.words.extend(spoken.words)
        self.timing = self.timing or spoken.timing
        header = b"" if self.size else wav_header(self.sample_rate, None)
        await self.append(header + pcm_to_bytes(spoken.pcm))

    async def spoken(self) -> AsyncGenerator[Spoken, None]:
        """Yield the sound from its beginning, as it grows, each word with its sound."""
        offset, given = HEADER_BYTES, 0
        while data := await self.read(offset):
            words = tuple(self.words[given:])
            timing = self.timing if offset == HEADER_BYTES else {}
            given += len(words)
            offset += len(data)
            yield Spoken(pcm_from_bytes(data), words, timing)
        if len(self.words) > given:
            yield Spoken(np.zeros(0, np.int16), tuple(self.words[given:]))


@dataclass(slots=True)
class FinishedRecording:
    """A whole file of a recording; the bytes of a small one are held in memory."""

    address: Address
    suffix: str
    sidecar: Sidecar
    size: int
    etag: str
    body: bytes | None
    store: DiskStore
    dropped: bool = False  # the memory cache holds it no longer
    noted_at: float = 0.0  # when it was last noted that it was heard
    headers: list[tuple[bytes, bytes]] | None = None  # of the answer, kept here so made once

    @property
    def sample_rate(self) -> int:
        return self.sidecar.sample_rate

    async def chunks(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to before `end`."""
        stop = self.size if end is None else end
        if self.body is not None:
            yield self.body[start:stop]
            return
        async with aiofiles.open(self.store.path(self.address, self.suffix), "rb") as file:
            if start:
                await file.seek(start)  # a trip to a thread, like every step
            while start < stop:
                data = await file.read(min(BLOCK_BYTES, stop - start))
                if not data:
                    raise OSError("the file is shorter than it was")
                start += len(data)
                yield data

    async def spoken(self) -> AsyncGenerator[Spoken, None]:
        """Yield the sound of a WAV, all its words with the first part."""
        words = self.sidecar.words
        async for data in self.chunks(HEADER_BYTES):
            yield Spoken(pcm_from_bytes(data), words)
            words = ()
