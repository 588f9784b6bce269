"""Audio files that people bring, as samples; it knows no web."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from realtime.audio import Pcm
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import av

MOST_DECODED_SECONDS = 600.0
MOST_DECODED_RATE = 192_000
# The rest of what the library can open follows addresses that a file names: never for an upload.
READABLE = "wav,flac,ogg,mp3,aac"


def decode(data: bytes, most_seconds: float = MOST_DECODED_SECONDS) -> tuple[Pcm, int]:
    """The samples of an audio file, mixed to one channel, and their rate."""
    import av

    try:
        with av.open(
            io.BytesIO(data),
            mode="r",
            format=_framing(data),
            options={"format_whitelist": READABLE},
            metadata_errors="ignore",  # odd tags say nothing about the sound
        ) as container:
            rate = _rate(container)
            parts = list(_mono(container, rate, most_seconds))
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _bad(f"cannot be read ({reason}); readable are: {READABLE}") from error
    return np.concatenate([np.zeros(0, np.int16), *parts]), rate


def _framing(data: bytes) -> str | None:
    """AAC or MP3 by the marks of their first frame; None: the file's head says what it is.

    A short file has too few frames for the library's own guess.
    """
    if len(data) < 2 or data[0] != 0xFF:
        return None
    if data[1] & 0xF6 == 0xF0:
        return "aac"
    return "mp3" if data[1] & 0xE6 == 0xE2 else None


def _rate(container: av.container.InputContainer) -> int:
    if not container.streams.audio:
        raise _bad("holds no sound")
    rate = container.streams.audio[0].rate
    if not rate or rate > MOST_DECODED_RATE:
        raise _bad(f"has {rate} samples a second; at most {MOST_DECODED_RATE} are read")
    return int(rate)


def _mono(container: av.container.InputContainer, rate: int, most_seconds: float) -> Iterator[Pcm]:
    import av

    mixer = av.AudioResampler(format="s16", layout="mono")
    room = round(most_seconds * rate)
    for frame in chain(container.decode(audio=0), [None]):
        for mixed in mixer.resample(frame):
            part = mixed.to_ndarray().reshape(-1).astype(np.int16, copy=False)
            room -= part.size
            if room < 0:
                raise _bad(f"is longer than {most_seconds:g} seconds")
            yield part


def _bad(what: str) -> BadRequest:
    return BadRequest(f"The audio {what}.", code="bad_audio", field="audio")
