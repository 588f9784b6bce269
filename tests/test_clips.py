"""Clips are taken as people bring them, and refused with the reason."""

from __future__ import annotations

import io

import numpy as np
import pytest

from realtime.audio.decoding import AudioSource
from realtime.audio.wav import wav_header
from realtime.clips import RATE, clip_of
from realtime.errors import BadRequest, TooLarge
from tests.audio.test_formats import encoded
from tests.support.voice_like_sound import Samples, pcm, voice


def source(samples: Samples, rate: int = RATE) -> AudioSource:
    data = wav_header(rate, samples.size) + pcm(samples).astype("<i2").tobytes()
    return AudioSource(io.BytesIO(data), 15.0)


def spoken(seconds: float, rate: int = RATE) -> Samples:
    """The same second and a half over and over: a long voice takes long to make."""
    return np.resize(voice(1.5, rate=rate), round(seconds * rate))


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
def test_any_rate_becomes_the_codec_s(rate: int) -> None:
    clip = clip_of(source(spoken(4.0, rate), rate))
    assert clip.dtype == np.float32 and abs(clip.size - 4 * RATE) <= 2
    assert 0.05 < np.abs(clip).max() <= 1.0


def test_compressed_clips_are_read() -> None:
    data = encoded("mp3", RATE, pcm(spoken(4.0)))
    assert clip_of(AudioSource(io.BytesIO(data), 15.0)).size >= 4 * RATE


def test_fifteen_seconds_are_not_too_long() -> None:
    assert clip_of(source(spoken(15.0, 44_100), 44_100)).size <= 15 * RATE
    with pytest.raises(TooLarge, match="15 seconds") as refused:
        source(spoken(15.1))
    assert refused.value.code == "audio_too_long"


def test_less_than_three_seconds_are_too_short() -> None:
    with pytest.raises(BadRequest, match=r"2\.9 s") as refused:
        clip_of(source(spoken(2.9)))
    assert refused.value.code == "audio_too_short"


@pytest.mark.parametrize("kind", ["silence", "noise", "clicks"])
def test_sound_without_a_voice_is_no_speech(kind: str) -> None:
    place = np.arange(5 * RATE)
    made = {
        "silence": np.zeros(place.size),
        "noise": 0.1 * np.random.default_rng(1).standard_normal(place.size),
        "clicks": 0.5 * (place % RATE == 0),
    }[kind]
    with pytest.raises(BadRequest) as refused:
        clip_of(source(np.clip(made, -0.9, 0.9).astype(np.float32)))
    assert refused.value.code == "no_speech"
