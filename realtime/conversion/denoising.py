"""Noise taken out of a voice before anything else hears it, live and in recordings.

No delay is added: what comes out begins with the first sample that went in, is as long, and can be
given a little later.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from realtime.audio.samples import Pcm, from_pcm16, to_pcm16
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.conversion.resampler import StreamResampler
from realtime.engines.contract import Samples
from realtime.engines.frame_engines import Denoiser
from realtime.models.loaded import LoadedModels
from realtime.models.model import Lease

OFF, LIGHT, FULL = "off", "light", "full"
DENOISERS = {LIGHT: "gtcrn", FULL: "deepfilternet"}  # engines
DENOISING = (OFF, *DENOISERS)
MOST_FRAMES = 62  # in one call, a second of sound: live voices wait no longer for a recording's


class StreamDenoiser:
    """The denoiser of one stream of PCM at any rate; only its engine's band is left of it."""

    def __init__(self, lease: Lease[Denoiser], rate: int) -> None:
        engine = lease.engine
        self._lease = lease
        self._inward = StreamResampler(rate, engine.sample_rate)
        self._outward = StreamResampler(engine.sample_rate, rate)
        self._before_start = engine.latency  # samples that belong to the time before the first
        self._rest = np.zeros(0, np.float32)  # less than a frame
        self._state: Any = None
        self._came = self._given = 0  # samples at the stream's rate

    @property
    def latency(self) -> float:
        """Return after how many seconds a sample can be given."""
        engine = self._lease.engine
        return (engine.latency + engine.frame) / engine.sample_rate

    async def feed(self, pcm: Pcm) -> Pcm:
        """Return what can be given by now."""
        self._came += pcm.size
        return await self._clean(self._inward.feed(from_pcm16(pcm)))

    async def finish(self) -> Pcm:
        """Return the rest, so that as much has gone out as came in."""
        parts = []
        while self._given < self._came:
            silence = np.zeros(self._inward.input_needed(self._lease.engine.frame), np.float32)
            parts.append(await self._clean(self._inward.feed(silence)))
        if not parts:
            return np.zeros(0, np.int16)
        rest = np.concatenate(parts)
        return rest[: rest.size - (self._given - self._came)]

    async def _clean(self, samples: Samples) -> Pcm:
        engine, lane = self._lease.engine, self._lease.lane
        held = np.concatenate([self._rest, samples])
        whole = held.size - held.size % engine.frame
        self._rest = held[whole:]
        parts = []
        for start in range(0, whole, MOST_FRAMES * engine.frame):
            piece = held[start : min(whole, start + MOST_FRAMES * engine.frame)]
            cleaned, self._state = await lane.call(engine.clean, piece, self._state)
            early = min(self._before_start, cleaned.size)
            self._before_start -= early
            parts.append(to_pcm16(self._outward.feed(cleaned[early:])))
        pcm = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        self._given += pcm.size
        return pcm


class CleanMicrophone:
    """A microphone's buffer whose sound is taken without noise."""

    def __init__(self, buffer: MicrophoneBuffer, denoiser: StreamDenoiser) -> None:
        self._buffer = buffer
        self._denoiser = denoiser
        self._held = np.zeros(0, np.int16)
        self._ended = False

    @property
    def latency(self) -> float:
        """Return the seconds by which its sound comes late."""
        return self._denoiser.latency

    @property
    def left_out(self) -> int:
        return self._buffer.left_out

    @property
    def arrived(self) -> float:
        return self._buffer.arrived

    async def take(self, count: int) -> Pcm | None:
        """Wait for so many samples and take them; at the end they may be fewer, then None."""
        while self._held.size < count and not self._ended:
            pcm = await self._buffer.take(count - self._held.size)
            self._ended = pcm is None
            more = await (self._denoiser.finish() if pcm is None else self._denoiser.feed(pcm))
            self._held = np.concatenate([self._held, more])
        if self._ended and not self._held.size:
            return None
        taken, self._held = self._held[:count], self._held[count:]
        return taken


Microphone = MicrophoneBuffer | CleanMicrophone


@asynccontextmanager
async def clean_microphone(
    models: LoadedModels, buffer: MicrophoneBuffer, rate: int, denoise: str
) -> AsyncIterator[Microphone]:
    """Give the microphone as it is, or without noise; the denoiser is loaded for that."""
    if denoise == OFF:
        yield buffer
        return
    async with models.denoiser(DENOISERS[denoise]).lease("a microphone") as lease:
        yield CleanMicrophone(buffer, StreamDenoiser(lease, rate))


async def denoised(
    models: LoadedModels, parts: AsyncIterable[Pcm], rate: int, denoise: str
) -> AsyncGenerator[Pcm, None]:
    """Yield a recording without noise, no faster than it is taken."""
    async with models.denoiser(DENOISERS[denoise]).lease("a recording") as lease:
        denoiser = StreamDenoiser(lease, rate)
        async for part in parts:
            if (pcm := await denoiser.feed(part)).size:
                yield pcm
        if (pcm := await denoiser.finish()).size:
            yield pcm
