"""WAV files of mono PCM16: the header before the samples, and the sizes that it states."""

from __future__ import annotations

import struct

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
