"""A WAV header states the true sizes, or that they are unknown."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest

from realtime.audio.samples import RATES
from realtime.audio.wav import wav_header


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("length", [0, 1, 12345])
def test_a_finished_header_is_read_by_others(rate: int, length: int) -> None:
    pcm = np.random.default_rng(length).integers(-9000, 9000, length).astype(np.int16)
    header = wav_header(rate, length)
    assert len(header) == 44
    with wave.open(io.BytesIO(header + pcm.tobytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, 1, 2)
        assert file.readframes(file.getnframes()) == pcm.tobytes()


def sizes(header: bytes) -> tuple[int, int]:
    return struct.unpack("<I", header[4:8])[0], struct.unpack("<I", header[40:44])[0]


def test_a_growing_header_has_unknown_sizes() -> None:
    header = wav_header(24000, None)
    assert len(header) == 44
    assert sizes(header) == (0xFFFFFFFF, 0xFFFFFFFF)


def test_a_length_beyond_32_bits_is_unknown() -> None:
    most = (0xFFFFFFFF - 36) // 2
    assert sizes(wav_header(24000, most)) == (2 * most + 36, 2 * most)
    assert sizes(wav_header(24000, most + 1)) == (0xFFFFFFFF, 0xFFFFFFFF)
