"""Audio files for tests, in formats that the project writes and in some that it only reads."""

from __future__ import annotations

import io

import numpy as np

from realtime.audio.formats import ContainerEncoder, format_named, make_encoder
from realtime.audio.samples import Pcm, to_pcm16

CODED = ["flac", "opus", "ogg", "mp3", "aac"]
FILES = ["wav", *CODED]
LOUD_SECONDS = 0.05


def sweep(length: int, rate: int) -> Pcm:
    """Make a soft rising tone whose last 50 ms are loud."""
    time = np.arange(length) / rate
    phase = 2 * np.pi * (300 * time + 400 * time**2)
    level = np.where(time < length / rate - LOUD_SECONDS, 0.03, 0.6)
    return to_pcm16((level * np.sin(phase)).astype(np.float32))


def encode_all(encoder: ContainerEncoder, pcm: Pcm, step: int = 480) -> bytes:
    """Encode some sound in steps, from head to tail."""
    parts = [encoder.start()]
    parts += [encoder.feed(pcm[i : i + step]) for i in range(0, pcm.size, step)]
    return b"".join([*parts, encoder.finish()])


def encoded_file(name: str, rate: int, pcm: Pcm, step: int = 480) -> bytes:
    """Return a file in one of our formats, as those get it who listen while it grows."""
    return encode_all(make_encoder(format_named(name), rate), pcm, step)


def finished_file(name: str, rate: int, pcm: Pcm) -> bytes:
    """Return a file in one of our formats as it is when it is finished."""
    encoder = make_encoder(format_named(name), rate)
    data = encode_all(encoder, pcm)
    return encoder.head() + data[len(encoder.head()) :]


def foreign_file(container: str, codec: str, pcm: Pcm, rate: int = 24000) -> bytes:
    """Return a file in a container that the project reads and does not write."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        for start in range(0, pcm.size, 1 << 20):
            part = pcm[start : start + (1 << 20)]
            frame = av.AudioFrame.from_ndarray(part[None], format="s16", layout="mono")
            frame.sample_rate = rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()
