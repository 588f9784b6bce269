"""A clip for VALL-E X has the codec's rate, three to fifteen seconds, and a voice in it."""

from __future__ import annotations

import io

import numpy as np
import pytest

from realtime.audio.decoding import AudioSource
from realtime.cloning.valle_kind import RATE, ValleKind
from realtime.cloning.voice_kind import VoiceClip
from realtime.errors import BadRequest, TooLarge
from realtime.settings import Settings
from tests.cloning.test_cloning import fake_codes, source_of, voice_of
from tests.support.encoded_files import encoded_file
from tests.support.voice_like_sound import pcm


def read_clip(source: AudioSource) -> VoiceClip:
    return ValleKind(Settings(), fake_codes).read(source)


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
def test_any_rate_becomes_the_codec_s(rate: int) -> None:
    samples = read_clip(source_of(voice_of(4.0, rate), rate)).samples
    assert samples.dtype == np.float32 and abs(samples.size - 4 * RATE) <= 2
    assert 0.05 < np.abs(samples).max() <= 1.0


def test_compressed_clips_are_read() -> None:
    data = encoded_file("mp3", RATE, pcm(voice_of(4.0)))
    assert read_clip(AudioSource(io.BytesIO(data), 15.0)).samples.size >= 4 * RATE


def test_fifteen_seconds_are_not_too_long() -> None:
    assert read_clip(source_of(voice_of(15.0, 44_100), 44_100)).samples.size <= 15 * RATE
    with pytest.raises(TooLarge, match="15 seconds") as refused:
        source_of(voice_of(15.1))
    assert refused.value.code == "audio_too_long"


def test_less_than_three_seconds_are_too_short() -> None:
    with pytest.raises(BadRequest, match=r"2\.9 s") as refused:
        read_clip(source_of(voice_of(2.9)))
    assert refused.value.code == "audio_too_short"


@pytest.mark.parametrize("kind", ["silence", "noise", "clicks"])
def test_sound_without_a_voice_is_no_speech(kind: str) -> None:
    place = np.arange(5 * RATE)
    sound = {
        "silence": np.zeros(place.size),
        "noise": 0.1 * np.random.default_rng(1).standard_normal(place.size),
        "clicks": 0.5 * (place % RATE == 0),
    }[kind]
    with pytest.raises(BadRequest) as refused:
        read_clip(source_of(np.clip(sound, -0.9, 0.9).astype(np.float32)))
    assert refused.value.code == "no_speech"
