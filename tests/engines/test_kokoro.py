"""Kokoro decodes speech and hardly any of the silence around it, and clips none of the speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.kokoro import Kokoro
from realtime.settings import Settings
from realtime.text.language import segments
from tests.support.fake_recogniser import loaded_engine

AUDIBLE = 300 / 32768
TEXTS = {
    "en": ("af_bella", "Hello there, how are you?"),
    "zh": ("zf_xiaoxiao", "城门在日落时关闭。"),
    "ja": ("jf_alpha", "町の門は日没に閉まります。"),
}


@pytest.fixture(scope="module", params=TEXTS)
def spoken(request: pytest.FixtureRequest, models_folder: Path, settings: Settings) -> Chunk:
    kokoro: Kokoro = loaded_engine("kokoro", models_folder)
    name, text = TEXTS[request.param]
    cast = Characters(settings.presets.path, settings.default_characters, ("kokoro",))
    asked = Utterance(tuple(segments(text, request.param)), cast.get(name), request.param)
    (chunk,) = kokoro.speak(asked, CancelToken())
    return chunk


def test_silence_at_the_edges_is_short_and_there(spoken: Chunk) -> None:
    heard = np.flatnonzero(np.abs(spoken.samples) > AUDIBLE)
    before = heard[0] / Kokoro.sample_rate
    after = (spoken.samples.size - heard[-1]) / Kokoro.sample_rate
    assert 0.01 < before < 0.2, "the model's own silence is 0.3 s"
    assert 0.01 < after < 0.38, "the model's own silence is 0.4 to 0.8 s"


def test_words_lie_in_the_sound(spoken: Chunk) -> None:
    seconds = spoken.samples.size / Kokoro.sample_rate
    heard = np.flatnonzero(np.abs(spoken.samples) > AUDIBLE)[0] / Kokoro.sample_rate
    assert abs(spoken.words[0].start - heard) < 0.15
    starts = [word.start for word in spoken.words]
    assert starts == sorted(starts)
    assert starts[-1] <= seconds
