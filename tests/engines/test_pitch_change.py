"""The pitch that a change asks for."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.pitch_change import PitchChange
from realtime.engines.voice_change import VoiceChange

PITCH = np.array([100.0, 0.0, 200.0], np.float32)


def test_semitones_move_it_and_no_pitch_stays() -> None:
    found = PitchChange(VoiceChange(pitch=12.0, target=80.0)).changed(PITCH, 0)
    assert found.tolist() == pytest.approx([200.0, 0.0, 400.0])
    assert PitchChange(VoiceChange()).changed(PITCH, 0).tolist() == [100.0, 0.0, 200.0]


def test_a_target_is_reached_from_the_speakers_median() -> None:
    known = PitchChange(VoiceChange(target=300.0, speaker=100.0)).changed(PITCH, 0)
    assert known.tolist() == pytest.approx([300.0, 0.0, 600.0])
    learning = PitchChange(VoiceChange(target=300.0))
    for first in range(0, 600, 100):
        found = learning.changed(np.full(100, 120.0, np.float32), first)
    assert found[-1] == pytest.approx(300.0, rel=0.02)


def test_frames_that_windows_share_are_learnt_once() -> None:
    once, twice = (PitchChange(VoiceChange(target=300.0)) for _ in range(2))
    frames = np.linspace(100, 140, 80).astype(np.float32)
    once.changed(frames, 0)
    twice.changed(frames[:50], 0)
    twice.changed(frames[20:], 20)
    after = np.full(1, 120.0, np.float32)
    assert once.changed(after, 80)[0] == pytest.approx(twice.changed(after, 80)[0], rel=1.5e-3)


def test_effects_have_one_pitch_or_none() -> None:
    whisper = PitchChange(VoiceChange(effect="whisper")).changed(PITCH, 0)
    assert not whisper.any()
    robot = PitchChange(VoiceChange(effect="robot", speaker=150.0)).changed(PITCH, 0)
    assert robot.tolist() == [150.0, 0.0, 150.0]
