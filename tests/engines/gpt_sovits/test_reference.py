"""Reference clips are checked, and each network hears them as it was trained."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
import torch

from realtime.audio.samples import Samples
from realtime.engines.gpt_sovits.reference import (
    MOST_STYLE_SECONDS,
    TAIL,
    Clip,
    content_sound,
    read_reference,
    read_style,
    sound_at,
    speaker_sound,
    spectrum_sound,
)
from realtime.errors import BadRequest, TooLarge


def tone(seconds: float, rate: int = 32_000, level: float = 0.5) -> Samples:
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 220 * times)).astype(np.float32)


def wav(channels: npt.NDArray[np.float32], rate: int = 32_000) -> bytes:
    """Return a file of floats, which may be over full scale, of one or more channels."""
    import av

    channels = np.atleast_2d(channels)
    layouts = {1: "mono", 2: "stereo", 3: "2.1", 6: "5.1"}
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as out:
        stream = out.add_stream("pcm_f32le", rate=rate, layout=layouts[len(channels)])
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(channels.T).reshape(1, -1), "flt", layouts[len(channels)]
        )
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def test_a_clip_comes_back_as_it_is() -> None:
    clip = read_reference(wav(tone(3.0)))
    assert clip.rate == 32_000 and np.array_equal(clip.samples, tone(3.0))


@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_the_limits_themselves_are_allowed(seconds: float) -> None:
    assert read_reference(wav(tone(seconds))).seconds == seconds


def test_other_lengths_are_told() -> None:
    with pytest.raises(BadRequest, match=r"lasts 2\.9 s") as short:
        read_reference(wav(tone(2.9)))
    assert short.value.code == "audio_too_short" and "3 to 10 seconds" in str(short.value.hint)
    with pytest.raises(TooLarge, match="longer than 10 seconds") as long:
        read_reference(wav(tone(10.1)))
    assert long.value.code == "audio_too_long" and long.value.values == {"seconds": 10.0}


def test_a_clip_for_the_style_may_be_short_or_long_and_is_bounded() -> None:
    assert read_style(wav(tone(0.5))).seconds == 0.5
    assert read_style(wav(tone(20.0))).seconds == 20.0
    with pytest.raises(TooLarge, match="60 seconds"):
        read_style(wav(tone(MOST_STYLE_SECONDS + 1)))


@pytest.mark.parametrize("level", [0.0, 0.009])
def test_silence_is_told(level: float) -> None:
    """Upstream takes it, and its first norm makes a loud noise of it."""
    with pytest.raises(BadRequest, match="silent") as refused:
        read_reference(wav(tone(4.0, level=level)))
    assert refused.value.code == "no_speech"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_told(value: float) -> None:
    samples = tone(4.0)
    samples[1000] = value
    with pytest.raises(BadRequest, match="no numbers") as refused:
        read_reference(wav(samples))
    assert refused.value.code == "bad_audio"


def test_what_is_no_sound_is_told() -> None:
    with pytest.raises(BadRequest):
        read_reference(b"a text")


@pytest.mark.parametrize("count", [2, 6])
def test_any_number_of_channels_is_averaged(count: int) -> None:
    """Upstream averages two, and fails with more."""
    channels = np.stack([tone(3.0, level=0.1 * (at + 1)) for at in range(count)])
    clip = read_reference(wav(channels))
    assert np.allclose(clip.samples, channels.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("level", [1.5, 4.0])
def test_sound_over_full_scale_is_scaled_to_it(level: float) -> None:
    """Upstream divides by two at most, so that a peak of four stays at two."""
    clip = read_reference(wav(tone(3.0, level=level)))
    assert np.abs(clip.samples).max() == pytest.approx(1.0)
    assert np.allclose(clip.samples, tone(3.0, level=1.0), atol=1e-4)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_hubert_hears_16_khz_and_silence_after_it(rate: int) -> None:
    """The silence is 0.6 s at any rate: the codes of it were there in training."""
    found = content_sound(Clip(tone(3.0, rate), rate))
    assert found.dtype == np.float32 and not found[-TAIL:].any() and TAIL == 0.6 * 16_000
    body = found[:-TAIL]
    assert abs(body.size - 48_000) <= 1
    assert np.abs(body[500:47_000] - tone(3.0, 16_000)[500:47_000]).max() < 1e-3


@pytest.mark.parametrize("rate", [16_000, 22_050, 32_000, 44_100])
def test_the_other_networks_hear_the_filter_of_their_training(rate: int) -> None:
    clip = Clip(tone(3.0, rate), rate)
    for sound, target in (
        (spectrum_sound(clip), 32_000),
        (sound_at(clip, 24_000), 24_000),
        (speaker_sound(clip), 16_000),
    ):
        assert abs(sound.shape[1] - 3 * target) <= 1
        expected = torch.from_numpy(tone(3.0, target))
        assert (sound[0] - expected[: sound.shape[1]])[500:-500].abs().max() < 5e-3


def test_what_the_filter_adds_over_full_scale_is_scaled() -> None:
    square = np.sign(tone(3.0, 44_100))
    clip = Clip(square.astype(np.float32), 44_100)
    assert sound_at(clip, 32_000).abs().max() > 1.01
    assert spectrum_sound(clip).abs().max() == pytest.approx(1.0)
