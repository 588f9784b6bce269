"""Containers: PCM16 in, a file's bytes out while it still grows; it knows no web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from realtime.audio.samples import RATES, Pcm, Resampler, pcm_to_bytes
from realtime.audio.wav import wav_header
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import av


MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS_RATES = (48000,)  # what every player and every voice chat takes it for
VORBIS_RATES = (8000, 16000, 22050, 24000, 44100, 48000)

BLOCK_SAMPLES = 1024  # written at once, so that the bytes do not depend on how sound came

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Codec:
    """What turns samples into a container's bytes, and how it is set."""

    name: str
    container: str
    bits_a_second: int | None = None
    options: Options = ()  # of the container
    settings: Options = ()  # of the codec
    library: str = "ffmpeg"

    def bit_rate(self, sample_rate: int) -> int | None:
        """No more than an AAC frame may hold, which is plenty for the others."""
        most = self.bits_a_second
        return None if most is None else min(most, 6 * sample_rate)


@dataclass(frozen=True)
class Format:
    """One container: what it is called, and which rates it has (none named: any)."""

    name: str
    content_type: str
    rates: tuple[int, ...] = ()
    codec: Codec | None = None

    @property
    def suffix(self) -> str:
        return "." + self.name

    def rate_for(self, wanted: int) -> int:
        """The wanted rate where the format has it, else its highest, so that nothing is lost."""
        return wanted if not self.rates or wanted in self.rates else self.rates[-1]


# A page of Ogg is a second long if nothing is said; players of a growing file would wait for it.
OPUS = Codec("libopus", "ogg", 48_000, options=(("page_duration", "20000"),))
VORBIS = Codec("VORBIS", "OGG", library="sndfile")  # FFmpeg's own encoder of it is a poor one
# Room for later tags would be most of a short file's bytes; at this level a block is 25 ms long,
# at the next one 100 ms for 3 % fewer bytes.
FLAC = Codec(
    "flac",
    "flac",
    options=(("metadata_header_padding", "0"),),
    settings=(("compression_level", "2"),),
)
# Tags, and a first frame that tells the length, belong to files whose length is known.
MP3 = Codec("libmp3lame", "mp3", 96_000, options=(("write_xing", "0"), ("id3v2_version", "0")))
AAC = Codec("aac", "adts", 96_000)

FORMATS = {
    known.name: known
    for known in (
        Format("wav", "audio/wav"),
        Format("pcm", "audio/pcm"),
        Format("flac", "audio/flac", codec=FLAC),
        Format("opus", "audio/opus", OPUS_RATES, OPUS),
        Format("ogg", "audio/ogg", VORBIS_RATES, VORBIS),
        Format("mp3", "audio/mpeg", MPEG_RATES, MP3),
        Format("aac", "audio/aac", MPEG_RATES, AAC),
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


class ContainerEncoder(Protocol):
    """One file on its way: its head, then bytes for samples, then its tail."""

    sample_rate: int  # what comes out

    def start(self) -> bytes: ...

    def feed(self, pcm: Pcm) -> bytes: ...

    def finish(self) -> bytes: ...

    def close(self) -> None: ...


def encoder(wanted: Format, source_rate: int, target_rate: int | None = None) -> ContainerEncoder:
    """An encoder for sound at one rate into a file at another; none named: at the same."""
    if target_rate is not None and target_rate not in RATES:
        raise BadRequest(
            f"sample_rate is {target_rate}; there are: {', '.join(map(str, RATES))}.",
            code="unsupported_sample_rate",
            field="sample_rate",
        )
    rate = wanted.rate_for(target_rate or source_rate)
    resampler = Resampler(source_rate, rate)
    if wanted.codec is not None:
        kind = FFmpegEncoder if wanted.codec.library == "ffmpeg" else SndfileEncoder
        return kind(wanted.codec, rate, resampler)
    return PlainEncoder(wav_header(rate, None) if wanted.name == "wav" else b"", rate, resampler)


class PlainEncoder:
    """Samples as they are, after a head."""

    def __init__(self, head: bytes, sample_rate: int, resampler: Resampler) -> None:
        self.sample_rate = sample_rate
        self._head = head
        self._resampler = resampler

    def start(self) -> bytes:
        return self._head

    def feed(self, pcm: Pcm) -> bytes:
        return pcm_to_bytes(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        return pcm_to_bytes(self._resampler.finish())

    def close(self) -> None:
        """There is nothing to give back."""


class FFmpegEncoder:
    """Samples through a codec into a container that is written forward only."""

    def __init__(self, codec: Codec, sample_rate: int, resampler: Resampler) -> None:
        import av

        self.sample_rate = sample_rate
        self._resampler = resampler
        self._sink = Sink()
        options = {"flush_packets": "1", **dict(codec.options)}
        self._container = av.open(self._sink, "w", format=codec.container, options=options)
        stream: Any = self._container.add_stream(
            codec.name, rate=sample_rate, options=dict(codec.settings)
        )
        stream.layout = "mono"
        if (bits := codec.bit_rate(sample_rate)) is not None:
            stream.bit_rate = bits
        self._stream = stream
        self._given = 0

    def start(self) -> bytes:
        self._container.start_encoding()
        return self._sink.taken()

    def feed(self, pcm: Pcm) -> bytes:
        return self._encoded(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        tail = self._encoded(self._resampler.finish())
        if not self._given:  # players refuse a container without a single sample
            tail += self._encoded(np.zeros(1, np.int16))
        self._container.mux(self._stream.encode(None))
        self.close()
        return tail + self._sink.taken()

    def close(self) -> None:
        self._container.close()

    def _encoded(self, pcm: Pcm) -> bytes:
        if pcm.size:
            self._container.mux(self._stream.encode(self._frame(pcm)))
        return self._sink.taken()

    def _frame(self, pcm: Pcm) -> av.AudioFrame:
        import av

        samples = np.ascontiguousarray(pcm)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = self.sample_rate
        frame.pts = self._given
        self._given += pcm.size
        return frame


class SndfileEncoder:
    """Samples through libsndfile, for what the other library encodes badly."""

    def __init__(self, codec: Codec, sample_rate: int, resampler: Resampler) -> None:
        import soundfile

        self.sample_rate = sample_rate
        self._resampler = resampler
        self._sink = Sink()
        self._held = np.zeros(0, np.int16)
        self._file = soundfile.SoundFile(
            self._sink, "w", sample_rate, 1, format=codec.container, subtype=codec.name
        )

    def start(self) -> bytes:
        return self._sink.taken()

    def feed(self, pcm: Pcm) -> bytes:
        self._held = np.concatenate([self._held, self._resampler.feed(pcm)])
        whole = self._held.size - self._held.size % BLOCK_SAMPLES
        for start in range(0, whole, BLOCK_SAMPLES):
            self._file.write(self._held[start : start + BLOCK_SAMPLES])
        self._held = self._held[whole:]
        return self._sink.taken()

    def finish(self) -> bytes:
        self._file.write(np.concatenate([self._held, self._resampler.finish()]))
        self.close()
        return self._sink.taken()

    def close(self) -> None:
        self._file.close()


class Sink:
    """Where a container writes; it has no way back."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._waiting += bytes(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = 0) -> int:
        """Asked only for where it is."""
        return self._size

    def taken(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
