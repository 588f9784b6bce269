"""Container formats and their encoders: PCM16 in, a file's bytes out while it still grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from realtime.audio.mp3_head import without_length
from realtime.audio.samples import RATES, Pcm, Resampler, pcm_to_bytes
from realtime.audio.sink import Sink
from realtime.audio.wav import wav_header
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import av

MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # of MP3 and AAC
OPUS_RATES = (48000,)  # every player and every voice chat takes Opus for 48 kHz
VORBIS_RATES = (8000, 16000, 22050, 24000, 44100, 48000)

BLOCK_SAMPLES = 1024  # written to libsndfile at once: so the bytes are the same however sound came
AAC_BITS_A_SAMPLE = 6  # an AAC frame holds at most 6144 bits for 1024 samples of a channel

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Codec:
    """An encoder of a library: its container and its settings."""

    name: str
    container: str
    bits_a_second: int | None = None
    options: Options = ()  # of the container
    settings: Options = ()  # of the codec
    library: str = "ffmpeg"

    def bit_rate(self, sample_rate: int) -> int | None:
        """Return the bits a second, at low rates no more than an AAC frame can hold."""
        most = self.bits_a_second
        return None if most is None else min(most, AAC_BITS_A_SAMPLE * sample_rate)


@dataclass(frozen=True)
class Format:
    """A container format: its name, its media type and its sample rates (none named: any)."""

    name: str
    content_type: str
    rates: tuple[int, ...] = ()
    codec: Codec | None = None
    states_length: bool = False  # in its head, so that it is known only when the file is finished

    @property
    def suffix(self) -> str:
        return "." + self.name

    def rate_for(self, wanted: int) -> int:
        """Return the wanted rate where the format has it, else its highest: nothing is lost."""
        return wanted if not self.rates or wanted in self.rates else self.rates[-1]


# An Ogg page is a second long by default: players of a growing file would wait for it. Here 20 ms.
OPUS = Codec("libopus", "ogg", 48_000, options=(("page_duration", "20000"),))
VORBIS = Codec("VORBIS", "OGG", library="sndfile")  # FFmpeg's own Vorbis encoder sounds worse
# Padding for later tags would be most of a short file's bytes. At compression level 2 a block is
# 25 ms long; at level 3 it is 100 ms, which delays the sound, for 3 % fewer bytes.
FLAC = Codec(
    "flac",
    "flac",
    options=(("metadata_header_padding", "0"),),
    settings=(("compression_level", "2"),),
)
MP3 = Codec("libmp3lame", "mp3", 96_000, options=(("id3v2_version", "0"),))  # no tags
AAC = Codec("aac", "adts", 96_000)

FORMATS = {
    known.name: known
    for known in (
        Format("wav", "audio/wav", states_length=True),
        Format("pcm", "audio/pcm"),
        Format("flac", "audio/flac", codec=FLAC, states_length=True),
        # The last page of an Ogg file says how long it is.
        Format("opus", "audio/opus", OPUS_RATES, OPUS),
        Format("ogg", "audio/ogg", VORBIS_RATES, VORBIS),
        Format("mp3", "audio/mpeg", MPEG_RATES, MP3, states_length=True),
        # An ADTS stream has no length anywhere: players estimate it from the first frames.
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
    """A file that is being encoded: its head, then bytes for samples, then its tail.

    The head of a growing file states no length. When the file is finished, `head` replaces as many
    of its first bytes, and every player knows how long it is.
    """

    sample_rate: int  # of the file

    def start(self) -> bytes: ...

    def feed(self, pcm: Pcm) -> bytes: ...

    def finish(self) -> bytes: ...

    def head(self) -> bytes: ...

    def close(self) -> None: ...


def make_encoder(
    wanted: Format, source_rate: int, target_rate: int | None = None
) -> ContainerEncoder:
    """Make an encoder for sound at `source_rate`; without `target_rate` the rate stays."""
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
    return (WavEncoder if wanted.name == "wav" else PlainEncoder)(rate, resampler)


class PlainEncoder:
    """Plain samples, without a head."""

    def __init__(self, sample_rate: int, resampler: Resampler) -> None:
        self.sample_rate = sample_rate
        self._resampler = resampler
        self._written = 0  # samples

    def start(self) -> bytes:
        return b""

    def feed(self, pcm: Pcm) -> bytes:
        return self._encoded(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        return self._encoded(self._resampler.finish())

    def head(self) -> bytes:
        return b""

    def _encoded(self, pcm: Pcm) -> bytes:
        self._written += pcm.size
        return pcm_to_bytes(pcm)

    def close(self) -> None:
        """Close nothing: plain samples need no library."""


class WavEncoder(PlainEncoder):
    """Plain samples after the header of a WAV file."""

    def start(self) -> bytes:
        return wav_header(self.sample_rate, None)

    def head(self) -> bytes:
        return wav_header(self.sample_rate, self._written)


class FFmpegEncoder:
    """An encoder of FFmpeg; its container is written forward, and at the end its head once more."""

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
        self._written = 0  # samples

    def start(self) -> bytes:
        self._container.start_encoding()
        head = self._sink.take()
        return without_length(head) if self._container.format.name == "mp3" else head

    def feed(self, pcm: Pcm) -> bytes:
        return self._encoded(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        tail = self._encoded(self._resampler.finish())
        if not self._written:  # players refuse a container without a single sample
            tail += self._encoded(np.zeros(1, np.int16))
        self._container.mux(self._stream.encode(None))
        self.close()
        return tail + self._sink.take()

    def head(self) -> bytes:
        return self._sink.rewritten()

    def close(self) -> None:
        self._container.close()

    def _encoded(self, pcm: Pcm) -> bytes:
        if pcm.size:
            self._container.mux(self._stream.encode(self._frame(pcm)))
        return self._sink.take()

    def _frame(self, pcm: Pcm) -> av.AudioFrame:
        import av

        samples = np.ascontiguousarray(pcm)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = self.sample_rate
        frame.pts = self._written
        self._written += pcm.size
        return frame


class SndfileEncoder:
    """An encoder of libsndfile, for formats that FFmpeg encodes badly."""

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
        return self._sink.take()

    def feed(self, pcm: Pcm) -> bytes:
        self._held = np.concatenate([self._held, self._resampler.feed(pcm)])
        whole = self._held.size - self._held.size % BLOCK_SAMPLES
        for start in range(0, whole, BLOCK_SAMPLES):
            self._file.write(self._held[start : start + BLOCK_SAMPLES])
        self._held = self._held[whole:]
        return self._sink.take()

    def finish(self) -> bytes:
        self._file.write(np.concatenate([self._held, self._resampler.finish()]))
        self.close()
        return self._sink.take()

    def head(self) -> bytes:
        return self._sink.rewritten()

    def close(self) -> None:
        self._file.close()
