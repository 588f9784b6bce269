"""Audio files that people bring, decoded into samples part by part.

A file's head is believed only as far as its packets agree: no memory is reserved for a length that
is merely stated, and no more is decoded than was allowed.
"""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from realtime.audio.samples import Pcm, Samples
from realtime.errors import BadRequest, TooLarge
from realtime.threads import run_in_thread

if TYPE_CHECKING:
    import av

MOST_DECODED_SECONDS = 600.0
LEAST_RATE, MOST_RATE = 4_000, 192_000  # Hz
PART_SECONDS = 1.0
ROUNDING_SECONDS = 1e-6  # tolerance: the lengths of many packets are added up
MOST_DURATION = 1 << 31  # of a packet, in its own unit
# FFmpeg's other formats include playlists, which open the addresses that a file names: an upload
# must never do that.
READABLE = "wav,flac,ogg,mp3,aac,matroska,webm,mov,mp4,m4a"
NAMED = "wav, flac, ogg, mp3, aac, webm and m4a"
EXACT = ("pcm_", "flac")  # codecs whose packets state the number of samples exactly


class AudioSource:
    """An audio file: its rate, its length, and its samples mixed to one channel.

    Opening reads every packet and decodes none, which takes time: open it off the loop.
    """

    def __init__(self, file: BinaryIO, most_seconds: float = MOST_DECODED_SECONDS) -> None:
        self._file = file
        self._most_seconds = most_seconds
        with self._opened() as container:
            stream = container.streams.audio[0]
            self.rate = _rate(stream)
            # The library has several names for containers that it cannot tell apart.
            self.containers = tuple(container.format.name.split(","))
            self.codec = stream.codec_context.codec.canonical_name
            self.seconds = self._length(container)
            exact = self.seconds and stream.codec_context.name.startswith(EXACT)
        # None where the number is sure only after decoding.
        self.samples = round(self.seconds * self.rate) if exact else None

    def parts(self) -> Generator[Pcm, None, None]:
        """Yield the samples, about a second at a time."""
        with self._opened() as container:
            held: list[Pcm] = []
            for channels in self._channels(container):
                held.append(_mix(channels))
                if sum(part.size for part in held) >= PART_SECONDS * self.rate:
                    yield np.concatenate(held)
                    held = []
            if held:
                yield np.concatenate(held)

    def floats(self) -> Iterator[Samples]:
        """Yield the samples as the file has them: some are over full scale, or no numbers."""
        with self._opened() as container:
            for channels in self._channels(container):
                yield channels.mean(axis=0)

    async def async_parts(self) -> AsyncGenerator[Pcm, None]:
        """Yield the parts, each decoded in a thread when it is asked for."""
        parts = self.parts()
        try:
            while (part := await run_in_thread(next, parts, None)) is not None:
                yield part
        finally:
            await run_in_thread(parts.close)

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def _opened(self) -> Iterator[av.container.InputContainer]:
        import av

        self._file.seek(0)
        mark = self._file.read(2)
        self._file.seek(0)
        if not mark:
            raise _bad("is empty")
        try:
            container = av.open(
                self._file,
                mode="r",
                format=_framing(mark),
                options={"format_whitelist": READABLE},
                metadata_errors="ignore",  # odd tags say nothing about the sound
            )
        except (av.error.InvalidDataError, ValueError) as error:
            raise BadRequest(
                f"The audio has a format that is not read here; readable are {NAMED}.",
                code="unsupported_format",
                field="audio",
            ) from error
        except av.FFmpegError as error:
            raise _bad(f"is broken ({_reason(error)})") from error
        with container:
            if not container.streams.audio:
                raise _bad("holds no sound")
            try:
                yield container
            except (av.FFmpegError, ValueError) as error:
                raise _bad(f"is broken ({_reason(error)})") from error

    def _length(self, container: av.container.InputContainer) -> float:
        """Add up the seconds of the packets that state them; refuse as soon as it is too long."""
        seconds = 0.0
        for packet in container.demux(audio=0):
            # The last packet of a Vorbis file may have a negative length, read as a huge one.
            if packet.time_base and packet.duration and packet.duration < MOST_DURATION:
                seconds += float(packet.duration * packet.time_base)
            if seconds > self._most_seconds + ROUNDING_SECONDS:
                raise self._too_long()
        return seconds

    def _channels(
        self, container: av.container.InputContainer
    ) -> Iterator[npt.NDArray[np.float32]]:
        import av

        planes = av.AudioResampler(format="fltp")
        # Packets may hold more than they state, so it is counted again while decoding.
        left = round(self._most_seconds * self.rate)
        for frame in chain(container.decode(audio=0), [None]):
            for channels in planes.resample(frame):
                left -= channels.samples
                if left < 0:
                    raise self._too_long()
                yield channels.to_ndarray().astype(np.float32, copy=False)

    def _too_long(self) -> TooLarge:
        most = self._most_seconds
        limit = f"{most / 60:g} minutes" if most >= 60 else f"{most:g} seconds"
        return TooLarge(
            f"The audio is longer than {limit}.",
            code="audio_too_long",
            field="audio",
            values={"seconds": most},
        )


def decode(data: bytes, most_seconds: float = MOST_DECODED_SECONDS) -> tuple[Pcm, int]:
    """Return all samples of an audio file, and their rate."""
    source = AudioSource(io.BytesIO(data), most_seconds)
    return np.concatenate([np.zeros(0, np.int16), *source.parts()]), source.rate


def _framing(mark: bytes) -> str | None:
    """Tell AAC or MP3 by the sync bits of the first frame; None: the library tells by itself.

    Of a short file the library has too few frames to guess from.
    """
    if len(mark) < 2 or mark[0] != 0xFF:
        return None
    if mark[1] & 0xF6 == 0xF0:
        return "aac"
    return "mp3" if mark[1] & 0xE6 == 0xE2 else None


def _rate(stream: av.audio.stream.AudioStream) -> int:
    rate = stream.rate
    if not rate or not LEAST_RATE <= rate <= MOST_RATE:
        raise _bad(f"has {rate} samples a second; read are {LEAST_RATE} to {MOST_RATE}")
    return int(rate)


def _mix(channels: npt.NDArray[np.float32]) -> Pcm:
    """Mix to one channel; NaN becomes silence, infinity and all beyond full scale are clipped."""
    bounded = np.clip(np.nan_to_num(channels, posinf=1.0, neginf=-1.0), -1.0, 32767 / 32768)
    pcm: Pcm = np.rint(bounded.mean(axis=0) * 32768.0).astype(np.int16)
    return pcm


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _bad(what: str) -> BadRequest:
    return BadRequest(f"The audio {what}.", code="bad_audio", field="audio")
