"""The tone tells each letter and each character apart, exactly."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Utterance
from realtime.engines.tone import Tone
from realtime.settings import Settings
from realtime.text.language import Segment


@pytest.mark.parametrize("letter", ["a", "k", "z", "M"])
def test_pitch_of_a_letter(letter: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "presets"
    character = Characters(folder, Settings().default_characters).get("af_heart")
    chunks = Tone(Settings()).speak(
        Utterance((Segment(letter * 5, "en"),), character), CancelToken()
    )
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert samples.size == 5 * 0.08 * 24000
    one = samples[: samples.size // 5]
    spectrum = np.abs(np.fft.rfft(one * np.hanning(one.size), 1 << 18))
    found = spectrum.argmax() * 24000 / (1 << 18)
    place = ord(letter.lower()) - ord("a")
    factor = 2 ** ((zlib.crc32(b"af_heart") % 12) / 12)
    assert found == pytest.approx(220 * 2 ** (place / 12) * factor, abs=2)


def test_everything_else_is_silence() -> None:
    folder = Path(__file__).resolve().parents[2] / "presets"
    character = Characters(folder, Settings().default_characters).get("af_heart")
    chunks = Tone(Settings()).speak(Utterance((Segment("a é1", "en"),), character), CancelToken())
    samples = np.concatenate([chunk.samples for chunk in chunks])
    quarter = samples.size // 4
    assert np.abs(samples[:quarter]).max() > 0.1
    assert not samples[quarter:].any()
