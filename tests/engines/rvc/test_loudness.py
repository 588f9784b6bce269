"""The loudness of a recording given to its converted sound."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.rvc.loudness import loudness, mix_loudness
from tests.support.converter_files import converter_fixture

PIPELINE = converter_fixture("rvc_pipeline")


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_the_mix_is_that_of_the_original(share: float) -> None:
    found = mix_loudness(PIPELINE["in.rms_out"], 40_000, PIPELINE["in.rms_in"], 16_000, share)
    np.testing.assert_allclose(found, PIPELINE[f"out.rms_mix{share}"], atol=1e-5)


def test_a_share_of_one_keeps_the_sound() -> None:
    sound = PIPELINE["in.rms_out"]
    assert mix_loudness(sound, 40_000, PIPELINE["in.rms_in"], 16_000, 1.0) is sound


def test_silence_stays_silent() -> None:
    silent = np.zeros(40_000, np.float32)
    assert not mix_loudness(silent, 40_000, PIPELINE["in.rms_in"], 16_000, 0.0).any()
    assert not mix_loudness(PIPELINE["in.rms_out"], 40_000, silent, 16_000, 0.0).any()


def test_loudness_is_the_root_mean_square_around_each_place() -> None:
    sound = np.concatenate([np.zeros(100), np.full(100, 0.5)]).astype(np.float32)
    assert loudness(sound, 40, 100) == pytest.approx([0, 0.5 * 0.5**0.5, 0.5 * 0.5**0.5])
