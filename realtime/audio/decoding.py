"""Audio files that people bring, as samples, part by part; it knows no web.

What a head says of a file is believed only as far as its packets agree: nothing is reserved for
what is merely promised, and more than was allowed is never decoded.
"""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from realtime.audio.samples import Pcm
from realtime.errors import BadRequest, TooLarge
from realtime.threads import off_the_loop

if TYPE_CHECKING:
    import av

MOST_DECODED_SECONDS = 600.0
LEAST_RATE, MOST_RATE = 4_000, 192_000
PART_SECONDS = 1.0
ROUNDING_SECONDS = 1e-6  # of many packets' lengths, added up
MOST_DURATION = 1 << 31  # of a packet, in its own unit
# The rest of what the library can open follows addresses that a file names: never for an upload.
READABLE = "wav,flac,ogg,mp3,aac,matroska,webm,mov,mp4,m4a"
NAMED = "wav, flac, ogg, mp3, aac, webm and m4a"
COUNTED = ("pcm_", "flac")  # codecs whose packets tell the number of samples exactly


class AudioSource:
    """An audio file: its rate, its length, and its samples mixed to one channel.

    Opening looks at every packet and decodes none; use it off the loop.
    """

    def __init__(self, file: BinaryIO, most_seconds: float = MOST_DECODED_SECONDS) -> None:
        self._file = file
        self._most_seconds = most_seconds
        with self._opened() as container:
            stream = container.streams.audio[0]
            self.rate = _rate(stream)
            self.seconds = self._length(container)
            exact = self.seconds and stream.codec_context.name.startswith(COUNTED)
        # How many there will be, where that is sure before they are decoded.
        self.samples = round(self.seconds * self.rate) if exact else None

    def parts(self) -> Iterator[Pcm]:
        """About a second at a time."""
        with self._opened() as container:
            held: list[Pcm] = []
            for pcm in self._mono(container):
                held.append(pcm)
                if sum(part.size for part in held) >= PART_SECONDS * self.rate:
                    yield np.concatenate(held)
                    held = []
            if held:
                yield np.concatenate(held)

    async def async_parts(self) -> AsyncGenerator[Pcm, None]:
        """The parts, each decoded in a thread when it is asked for."""
        parts = self.parts()
        try:
            while (part := await off_the_loop(next, parts, None)) is not None:
                yield part
        finally:
            await off_the_loop(parts.close)  # type: ignore[attr-defined]

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
                f"The audio is nothing that is read here; readable are {NAMED}.",
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
        """Seconds by the packets, some of which may not tell; the first too many ends it."""
        seconds = 0.0
        for packet in container.demux(audio=0):
            # What is beyond is a negative number: the last packet of a Vorbis file may have one.
            if packet.time_base and packet.duration and packet.duration < MOST_DURATION:
                seconds += float(packet.duration * packet.time_base)
            if seconds > self._most_seconds + ROUNDING_SECONDS:
                raise self._too_long()
        return seconds

    def _mono(self, container: av.container.InputContainer) -> Iterator[Pcm]:
        import av

        planes = av.AudioResampler(format="fltp")
        # Packets may promise less than they hold.
        room = round(self._most_seconds * self.rate)
        for frame in chain(container.decode(audio=0), [None]):
            for channels in planes.resample(frame):
                room -= channels.samples
                if room < 0:
                    raise self._too_long()
                yield _mixed(channels.to_ndarray().astype(np.float32, copy=False))

    def _too_long(self) -> TooLarge:
        most = self._most_seconds
        limit = f"{most / 60:g} minutes" if most >= 60 else f"{most:g} seconds"
        return TooLarge(f"The audio is longer than {limit}.", code="audio_too_long", field="audio")


def decode(data: bytes, most_seconds: float = MOST_DECODED_SECONDS) -> tuple[Pcm, int]:
    """All samples of an audio file, and their rate."""
    source = AudioSource(io.BytesIO(data), most_seconds)
    return np.concatenate([np.zeros(0, np.int16), *source.parts()]), source.rate


def _framing(mark: bytes) -> str | None:
    """AAC or MP3 by the marks of their first frame; None: the file's head says what it is.

    A short file has too few frames for the library's own guess.
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


def _mixed(channels: npt.NDArray[np.float32]) -> Pcm:
    """One channel; what is no number is silence, and what is beyond bounds is as loud as can be."""
    bounded = np.clip(np.nan_to_num(channels, posinf=1.0, neginf=-1.0), -1.0, 32767 / 32768)
    pcm: Pcm = np.rint(bounded.mean(axis=0) * 32768.0).astype(np.int16)
    return pcm


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _bad(what: str) -> BadRequest:
    return BadRequest(f"The audio {what}.", code="bad_audio", field="audio")
