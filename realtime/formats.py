"""Containers: PCM16 in, a file's bytes out while it still grows; it knows no web."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

import numpy as np

from realtime.audio import RATES, Pcm, Resampler, wav_header
from realtime.errors import BadRequest

MOST_DECODED_SECONDS = 3600.0


@dataclass(frozen=True)
class Format:
    """One container: what it is called, and how its encoder is set."""

    name: str
    content_type: str
    rates: tuple[int, ...] = RATES
    container: str = ""
    codec: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    bits_a_second: int | None = None

    @property
    def suffix(self) -> str:
        return "." + self.name

    def rate_for(self, wanted: int) -> int:
        """The wanted rate where the codec has it, else the next one above."""
        return next((rate for rate in self.rates if rate >= wanted), self.rates[-1])


FORMATS = {
    found.name: found
    for found in (
        Format("wav", "audio/wav"),
        Format("pcm", "audio/pcm"),
        Format("flac", "audio/flac", container="flac", codec="flac"),
        Format(
            "opus",
            "audio/opus",
            rates=(8000, 16000, 24000, 48000),
            container="ogg",
            codec="libopus",
            options={"page_duration": "40000"},  # microseconds; a second by default
            bits_a_second=48_000,
        ),
        Format(
            "mp3",
            "audio/mpeg",
            container="mp3",
            codec="libmp3lame",
            # A frame that tells the length stands at the start, where it is not known yet.
            options={"write_xing": "0", "id3v2_version": "0"},
            bits_a_second=96_000,
        ),
        Format("aac", "audio/aac", container="adts", codec="aac", bits_a_second=96_000),
    )
}


def format_named(name: str, field: str = "response_format") -> Format:
    if name not in FORMATS:
        raise BadRequest(
            f"{field} is {name!r}; there are: {', '.join(FORMATS)}.",
            code="unsupported_format",
            field=field,
        )
    return FORMATS[name]


class Encoder(Protocol):
    """One file on its way: its head, then bytes for samples, then its tail."""

    sample_rate: int

    def start(self) -> bytes: ...

    def feed(self, pcm: Pcm) -> bytes: ...

    def finish(self) -> bytes: ...

    def close(self) -> None: ...


def encoder(found: Format, source_rate: int, target_rate: int | None = None) -> Encoder:
    """An encoder for sound at one rate into a file at another."""
    rate = found.rate_for(target_rate or source_rate)
    return Plain(found, source_rate, rate) if not found.codec else Coded(found, source_rate, rate)


class Plain:
    """Samples as they are, with WAV's header before them or none."""

    def __init__(self, found: Format, source_rate: int, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._head = wav_header(sample_rate, None) if found.name == "wav" else b""
        self._resampler = Resampler(source_rate, sample_rate)

    def start(self) -> bytes:
        return self._head

    def feed(self, pcm: Pcm) -> bytes:
        return self._resampler.feed(pcm).astype("<i2", copy=False).tobytes()

    def finish(self) -> bytes:
        return self._resampler.finish().astype("<i2", copy=False).tobytes()

    def close(self) -> None:
        pass


class Coded:
    """Samples through a codec into a container that is written forward only."""

    def __init__(self, found: Format, source_rate: int, sample_rate: int) -> None:
        import av

        self.sample_rate = sample_rate
        self._resampler = Resampler(source_rate, sample_rate)
        self._sink = _Sink()
        options = {"flush_packets": "1", **found.options}
        self._container: Any = av.open(self._sink, "w", format=found.container, options=options)
        self._stream: Any = self._container.add_stream(found.codec, rate=sample_rate, layout="mono")
        if found.bits_a_second is not None:
            self._stream.bit_rate = found.bits_a_second
        self._given = 0
        self._closed = False

    def start(self) -> bytes:
        self._container.start_encoding()
        return self._sink.taken()

    def feed(self, pcm: Pcm) -> bytes:
        return self._encoded(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        tail = self._encoded(self._resampler.finish())
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self.close()
        return tail + self._sink.taken()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._container.close()

    def _encoded(self, pcm: Pcm) -> bytes:
        import av

        if pcm.size:
            frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
            frame.sample_rate = self.sample_rate
            frame.pts = self._given
            self._given += pcm.size
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        return self._sink.taken()


class _Sink:
    """Where a container writes; it can only go forward."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def taken(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def decode(data: bytes, most_seconds: float = MOST_DECODED_SECONDS) -> tuple[Pcm, int]:
    """The samples of any audio file, mixed to one channel, and their rate."""
    import av

    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.audio:
                raise BadRequest("The file holds no audio.", code="bad_audio", field="audio")
            rate = int(container.streams.audio[0].rate)
            parts = list(_mono(container, round(most_seconds * rate)))
    except (av.FFmpegError, ValueError) as error:
        raise BadRequest(
            f"The audio cannot be read: {error}.", code="bad_audio", field="audio"
        ) from error
    return np.concatenate([np.zeros(0, np.int16), *parts]), rate


def _mono(container: Any, most_samples: int) -> Iterator[Pcm]:
    import av

    mixer = av.AudioResampler(format="s16", layout="mono")
    samples = 0
    for frame in chain(container.decode(audio=0), [None]):
        for mixed in mixer.resample(frame):
            part: Pcm = mixed.to_ndarray().reshape(-1)
            samples += part.size
            if samples > most_samples:
                raise BadRequest("The audio is too long.", code="bad_audio", field="audio")
            yield part
