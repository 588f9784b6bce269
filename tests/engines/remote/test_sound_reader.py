"""Tests of the sound reader: headers of all sorts, cut anywhere."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.samples import Samples, from_pcm16, pcm_to_bytes, to_pcm16
from realtime.audio.wav import wav_file, wav_header
from realtime.engines.remote.sound_reader import MOST_HEADER, NotSound, SoundReader

RATE = 24_000
WAVE = to_pcm16(0.5 * np.sin(np.arange(4_000) / 20).astype(np.float32))


def read(data: bytes, cut: int = 1_000, plain: int | None = None, rate: int = RATE) -> Samples:
    reader = SoundReader(rate, plain)
    parts = [reader.feed(data[place : place + cut]) for place in range(0, len(data), cut)]
    return np.concatenate([*parts, reader.finish()])


def header(kind: int, channels: int, bits: int, size: int, rate: int = RATE) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<IHHIIHH", 16, kind, channels, rate, rate * frame, frame, bits)
    return b"RIFF" + bytes(4) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


@given(cut=st.integers(1, 300))
def test_a_file_is_read_wherever_it_is_cut(cut: int) -> None:
    assert np.array_equal(read(wav_file(WAVE, RATE), cut), from_pcm16(WAVE))


@pytest.mark.parametrize("samples", [0, None])
def test_a_header_without_a_length_is_that_of_a_stream(samples: int | None) -> None:
    data = wav_header(RATE, samples) + pcm_to_bytes(WAVE)
    assert np.array_equal(read(data), from_pcm16(WAVE))


def test_what_follows_the_sound_is_left_out() -> None:
    data = wav_file(WAVE, RATE) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    assert np.array_equal(read(data), from_pcm16(WAVE))


def test_chunks_before_the_sound_are_passed_over() -> None:
    whole = wav_file(WAVE, RATE)
    title = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"
    assert np.array_equal(read(whole[:12] + title + whole[12:], 7), from_pcm16(WAVE))


def test_plain_samples_have_the_rate_that_is_told() -> None:
    assert np.array_equal(read(pcm_to_bytes(WAVE), 999, plain=RATE), from_pcm16(WAVE))


def test_another_rate_is_resampled() -> None:
    found = read(wav_file(WAVE, 48_000))
    assert abs(found.size - WAVE.size / 2) <= 2
    assert np.abs(found).max() == pytest.approx(0.5, abs=0.02)


def test_two_channels_become_one_and_floats_are_read() -> None:
    both = np.repeat(WAVE, 2)
    assert np.array_equal(read(header(1, 2, 16, 0) + pcm_to_bytes(both)), from_pcm16(WAVE))
    floats = from_pcm16(WAVE).astype("<f4").tobytes()
    assert np.array_equal(read(header(3, 1, 32, 0) + floats), from_pcm16(WAVE))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "0 bytes and no sound"),
        (b"ID3\x04 an mp3", "is no WAV"),
        (b"RIFF", "no sound"),
        (header(1, 1, 8, 0) + bytes(10), "8 bits"),
        (header(1, 6, 16, 0) + bytes(10), "6 channels"),
        (wav_file(WAVE, RATE)[:-10], "10 bytes of its sound are missing"),
        (b"RIFF1234WAVEdata" + bytes(100), "does not say"),
        (b"RIFF1234WAVELIST" + struct.pack("<I", 1 << 30) + bytes(MOST_HEADER), "no end"),
    ],
)
def test_what_is_no_sound_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(NotSound, match=fault):
        read(data, 5_000)


@given(st.binary(max_size=200))
def test_any_bytes_are_sound_or_refused(data: bytes) -> None:
    try:
        read(b"RIFF1234WAVE" + data, 16)
    except NotSound:
        pass
