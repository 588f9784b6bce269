"""WORLD as it comes: pitch, place and voicing are what was asked, at every length of block."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from realtime.engines.contract import CancelToken, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.engines.world import BLOCK, RATE, MedianPitch, World, median_pitch
from realtime.settings import Settings
from tests.support.voice_like_sound import voice

LATENCY = World(Settings()).plan(VoiceChange()).latency


def converted(sound: Samples, change: VoiceChange, block: int = BLOCK) -> Samples:
    """Convert a sound, and take out the latency."""
    tail = np.zeros(LATENCY + -(LATENCY + sound.size) % block, np.float32)
    blocks = np.concatenate([sound, tail])
    parts = World(Settings()).convert(
        iter(np.split(blocks, blocks.size // block)), change, CancelToken()
    )
    return np.concatenate(list(parts))[LATENCY:][: sound.size]


def pitch(sound: Samples) -> npt.NDArray[np.float64]:
    import pyworld

    rough, times = pyworld.dio(sound.astype(np.float64), RATE)
    found: npt.NDArray[np.float64] = pyworld.stonemask(sound.astype(np.float64), rough, times, RATE)
    return found


def cents(found: Samples, sound: Samples) -> npt.NDArray[np.float64]:
    after, before = pitch(found), pitch(sound)
    both = (after > 0) & (before > 0)
    assert both.mean() > 0.3
    return 1_200 * np.log2(after[both] / before[both])


def level(sound: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))


@pytest.mark.parametrize("speaker", [110.0, 210.0])
@pytest.mark.parametrize("semitones", [-5.0, 0.0, 4.0])
def test_pitch_moves_by_semitones(speaker: float, semitones: float) -> None:
    sound = voice(3, speaker)
    found = cents(converted(sound, VoiceChange(pitch=semitones)), sound)
    assert abs(np.median(found) - 100 * semitones) < 15


@pytest.mark.parametrize(("speaker", "target"), [(110.0, 210.0), (210.0, 120.0), (180.0, 180.0)])
def test_pitch_moves_to_a_target_that_is_reached_while_they_speak(
    speaker: float, target: float
) -> None:
    found = converted(voice(7, speaker), VoiceChange(target=target))[3 * RATE :]
    median = median_pitch(found, RATE)
    assert median is not None and abs(1_200 * np.log2(median / target)) < 60


def test_a_known_speaker_is_moved_from_the_first_word_on() -> None:
    sound = voice(1.5, 120.0)
    own = median_pitch(sound, RATE)
    median = median_pitch(converted(sound, VoiceChange(target=200.0, speaker=own)), RATE)
    assert median is not None and abs(1_200 * np.log2(median / 200.0)) < 30


def test_unchanged_it_keeps_level_place_and_voicing() -> None:
    sound = voice(3)
    found = converted(sound, VoiceChange())
    assert level(found) == pytest.approx(level(sound), rel=0.25)
    assert ((pitch(found) > 0) == (pitch(sound) > 0)).mean() > 0.9
    loud, heard = (np.convolve(np.abs(part), np.ones(240), "same") for part in (sound, found))
    lags = range(-480, 481, 24)
    best = max(lags, key=lambda lag: float(np.dot(loud[480:-480], np.roll(heard, lag)[480:-480])))
    assert abs(best) <= 120, "5 ms"


def test_formants_move_and_pitch_stays() -> None:
    sound = voice(3)
    centres = []
    for ratio in (1.0, 1.3):
        found = converted(sound, VoiceChange(formant=ratio))
        assert abs(np.median(cents(found, sound))) < 20
        power = np.abs(np.fft.rfft(found)) ** 2
        centres.append(np.sum(power * np.arange(power.size)) / power.sum())
    assert centres[1] > 1.12 * centres[0]


def test_a_robot_keeps_one_pitch() -> None:
    found = pitch(converted(voice(4), VoiceChange(effect="robot", pitch=0.0)))[400:]
    steady = found[found > 0]
    middle = np.median(steady)
    assert np.mean(np.abs(1_200 * np.log2(steady / middle)) < 30) > 0.8


def test_a_whisper_has_no_pitch() -> None:
    sound = voice(3)
    found = converted(sound, VoiceChange(effect="whisper"))
    assert level(found) > 0.1 * level(sound)
    assert np.mean(pitch(found) > 0) < 0.5 * np.mean(pitch(sound) > 0)


def test_breath_makes_the_upper_part_noise() -> None:
    def upper(sound: Samples) -> float:
        """Correlate the sound over 2 kHz with itself a period later."""
        spectrum = np.fft.rfft(sound)
        spectrum[: round(2_000 * sound.size / RATE)] = 0
        high = np.fft.irfft(spectrum)
        period = round(RATE / 150.0)
        return float(np.corrcoef(high[:-period], high[period:])[0, 1])

    place = np.arange(3 * RATE) / RATE
    sound = (0.4 * (150 * place % 1.0) - 0.2).astype(np.float32)
    assert (
        upper(converted(sound, VoiceChange(breath=0.9)))
        < upper(converted(sound, VoiceChange())) - 0.3
    )


@pytest.mark.parametrize("block", [BLOCK, 3 * BLOCK])
def test_blocks_are_joined_without_clicks(block: int) -> None:
    """A click is a step between blocks that is bigger than what is there within them."""
    found = converted(voice(4), VoiceChange(pitch=3.0), block).astype(np.float64)
    steps = np.abs(np.diff(found, 2))
    joins = np.zeros(steps.size, bool)
    for shift in range(-2, 1):
        joins[block + shift - (LATENCY % block) :: block] = True
    assert np.percentile(steps[joins], 99) < 1.5 * np.percentile(steps[~joins], 99)


def test_silence_is_silence_and_is_not_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyworld

    def no(*given: object, **named: object) -> None:
        raise AssertionError("silence was analysed")

    for name in ("dio", "cheaptrick", "d4c", "stonemask"):
        monkeypatch.setattr(pyworld, name, no)
    assert not converted(np.zeros(RATE, np.float32), VoiceChange(target=200.0)).any()


@pytest.mark.parametrize("kind", ["noise", "steps", "full", "low"])
def test_whatever_comes_stays_a_sound(kind: str) -> None:
    chance = np.random.default_rng(2)
    sounds = {
        "noise": chance.uniform(-1, 1, RATE),
        "steps": np.sign(chance.standard_normal(RATE // 200)).repeat(200),
        "full": np.ones(RATE),
        "low": np.sin(2 * np.pi * 20 * np.arange(RATE) / RATE),
    }
    found = converted(
        sounds[kind].astype(np.float32), VoiceChange(pitch=24.0, formant=2.0, breath=1)
    )
    assert np.isfinite(found).all() and np.abs(found).max() <= 1.0


def test_the_median_is_the_speakers_after_a_few_words() -> None:
    median = MedianPitch()
    assert 120 < median.value() < 200, "before the first word it is a middle pitch"
    for _ in range(100):
        median.add(np.array([0.0, 96.0, 100.0, 104.0]))
    assert median.value() == pytest.approx(100.0, rel=0.01)
    for _ in range(6_000):
        median.add(np.array([0.0, 240.0, 250.0, 260.0]))
    assert median.value() == pytest.approx(250.0, rel=0.01), "another person speaks now"


def test_silence_has_no_median() -> None:
    assert median_pitch(np.zeros(RATE, np.float32), RATE) is None
