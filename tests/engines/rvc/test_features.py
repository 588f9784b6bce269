"""Pitches and content as the published pipeline gives them to the networks."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.rvc.features import (
    coarse_pitch,
    protect_unvoiced,
    repeat_frames,
    shift_pitch,
)
from tests.support.converter_files import converter_fixture

PIPELINE = converter_fixture("rvc_pipeline")


@pytest.mark.parametrize("key", [0, 5, -12])
def test_coarse_pitches_are_those_of_the_original(key: int) -> None:
    pitch = shift_pitch(PIPELINE["in.f0"].astype(np.float64), key)
    np.testing.assert_allclose(pitch, PIPELINE[f"out.f0_key{key}"], rtol=1e-6)
    assert np.array_equal(coarse_pitch(pitch), PIPELINE[f"out.coarse_key{key}"])


def test_no_pitch_is_the_first_step() -> None:
    assert coarse_pitch(np.array([0.0, 1.0, 50.0, 1_100.0, 9_000.0])).tolist() == [
        1,
        1,
        1,
        255,
        255,
    ]


def test_frames_are_repeated_and_the_last_goes_on() -> None:
    content = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert repeat_frames(content, 5)[:, 0].tolist() == [0, 0, 2, 2, 4]
    assert repeat_frames(content, 8)[:, 0].tolist() == [0, 0, 2, 2, 4, 4, 4, 4]


def test_what_has_no_pitch_stays_the_speakers_own() -> None:
    own, blended = np.zeros((3, 2), np.float32), np.ones((3, 2), np.float32)
    pitch = np.array([200.0, 0.0, 0.5])
    assert protect_unvoiced(blended, own, pitch, 0.25)[:, 0].tolist() == [1, 0.25, 0.25]
    assert protect_unvoiced(blended, own, pitch, 0.5) is blended
