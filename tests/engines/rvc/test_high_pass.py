"""The filter before the networks, against the published one."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.rvc.high_pass import high_pass
from tests.support.converter_files import converter_fixture

PIPELINE = converter_fixture("rvc_pipeline")


def test_it_filters_as_the_original() -> None:
    found = high_pass(PIPELINE["in.long"])
    assert found.size == PIPELINE["in.long"].size
    np.testing.assert_allclose(found[:8_000], PIPELINE["out.long_filtered"], atol=1e-5)


def test_a_voice_passes_in_its_place_and_what_is_below_does_not() -> None:
    times = np.arange(16_000) / 16_000
    voice = np.sin(2 * np.pi * 200 * times).astype(np.float32)
    hum = np.sin(2 * np.pi * 20 * times).astype(np.float32)
    found = high_pass(voice + hum)
    np.testing.assert_allclose(found[4_000:12_000], voice[4_000:12_000], atol=2e-3)


@pytest.mark.parametrize("size", [0, 1, 2, 17, 19, 320])
def test_any_length_is_filtered(size: int) -> None:
    found = high_pass(np.ones(size, np.float32))
    assert found.size == size and np.abs(found).max(initial=0) < 1e-6
    assert not high_pass(np.zeros(size, np.float32)).any()
