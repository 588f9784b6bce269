"""WAV files of mono PCM16: the header before the samples, and the sizes that it states."""

from __future__ import annotations

import struct

from realtime.audio.samples import Pcm, pcm_to_bytes

HEADER_BYTES = 44
UNKNOWN_SIZE = 0xFFFFFFFF  # in a header: the file still grows


def wav_header(sample_rate: int, samples: int | None) -> bytes:
    """Return the 44 bytes before mono PCM16; None for `samples`: the file still grows."""
    data = UNKNOWN_SIZE if samples is None else 2 * samples
    riff = data + HEADER_BYTES - 8
    if riff > UNKNOWN_SIZE:  # the fields have 32 bits: a longer file says that its size is unknown
        data = riff = UNKNOWN_SIZE
    form = struct.pack("<IHHIIHH", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data)
    )


def wav_file(pcm: Pcm, sample_rate: int) -> bytes:
    """Return a whole file."""
    return wav_header(sample_rate, pcm.size) + pcm_to_bytes(pcm)


def wav_size(samples: int) -> int:
    """Return the bytes of a whole file with so many samples."""
    return HEADER_BYTES + 2 * samples


def samples_in(size: int) -> int:
    """Return the number of samples in a file of `size` bytes, also of one that still grows."""
    return max(0, size - HEADER_BYTES) // 2


def header_for_size(sample_rate: int, size: int) -> bytes:
    """Return the header of a whole file of `size` bytes."""
    return wav_header(sample_rate, samples_in(size))


def with_true_header(start: bytes, sample_rate: int, size: int) -> bytes:
    """Return the start of a file with a header that states its size of `size` bytes.

    A file is encoded before its length is known; some answers are sent when it is.
    """
    return header_for_size(sample_rate, size) + start[HEADER_BYTES:]
