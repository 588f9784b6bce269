"""A WAV header states the true sizes, or that they are unknown."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest

from realtime.audio.samples import RATES, Pcm
from realtime.audio.wav import (
    HEADER_BYTES,
    header_for_size,
    samples_in,
    wav_file,
    wav_header,
    wav_size,
    with_true_header,
)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("length", [0, 1, 12345])
def test_a_finished_header_is_read_by_others(rate: int, length: int) -> None:
    pcm = noise(length)
    assert len(wav_header(rate, length)) == 44
    with wave.open(io.BytesIO(wav_file(pcm, rate))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, 1, 2)
        assert file.readframes(file.getnframes()) == pcm.tobytes()


def noise(length: int) -> Pcm:
    return np.random.default_rng(length).integers(-9000, 9000, length).astype(np.int16)


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


@pytest.mark.parametrize("length", [0, 1, 12345])
def test_a_size_and_a_number_of_samples_are_the_same_thing(length: int) -> None:
    size = len(wav_file(noise(length), 24000))
    assert wav_size(length) == size and samples_in(size) == length
    assert header_for_size(24000, size) == wav_header(24000, length)


def test_a_file_of_which_only_a_part_of_the_header_came_has_no_samples() -> None:
    assert samples_in(0) == samples_in(HEADER_BYTES - 1) == 0


def test_the_true_header_replaces_that_of_a_growing_file() -> None:
    whole = wav_file(noise(100), 24000)
    grown = wav_header(24000, None) + whole[HEADER_BYTES:]
    assert with_true_header(grown[:60], 24000, len(whole)) == whole[:60]
