"""The contract, over the whole registry: a new engine is tested by being listed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime import engines
from realtime.characters import Characters
from realtime.engines.base import (
    Cancel,
    Cancelled,
    Chunk,
    Converter,
    Samples,
    Synthesizer,
    Utterance,
)
from realtime.errors import BadRequest, WeightsMissing
from realtime.settings import Models, Settings
from realtime.text.language import Segment

# With a letter of a–z in each, the only ones that every engine makes audible.
TEXTS = {"en": "Hello there.", "zh": "你好，abcdef。", "ja": "こんにちは、abcdef。"}
LONG = "She walked along the river until the lights of the old town were far behind her. " * 3


def of_kind(kind: type) -> list[str]:
    return [name for name in engines.ENGINES if isinstance(engines.create(name, Settings()), kind)]


def loaded(name: str, settings: Settings) -> Iterator[Synthesizer | Converter]:
    engine = engines.create(name, settings)
    engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="module", params=of_kind(Synthesizer))
def speaker(
    request: pytest.FixtureRequest, settings: Settings
) -> Iterator[Synthesizer | Converter]:
    yield from loaded(request.param, settings)


@pytest.fixture(scope="module", params=of_kind(Converter))
def converter(
    request: pytest.FixtureRequest, settings: Settings
) -> Iterator[Synthesizer | Converter]:
    yield from loaded(request.param, settings)


@pytest.fixture(scope="module")
def characters(settings: Settings) -> Characters:
    return Characters(settings.presets.path, settings.default_characters)


def utterance(characters: Characters, language: str, text: str | None = None) -> Utterance:
    segment = Segment(text or TEXTS[language], language)
    return Utterance((segment,), characters.default(language), seed=7)


def sound(chunks: Iterator[Chunk]) -> Samples:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_every_language_gives_audible_sound(speaker: Synthesizer, characters: Characters) -> None:
    assert speaker.languages
    for language in speaker.languages:
        samples = sound(speaker.speak(utterance(characters, language), Cancel()))
        assert samples.dtype == np.float32 and samples.ndim == 1
        assert np.abs(samples).max() <= 1.0
        assert np.sqrt(np.mean(samples**2)) > 0.01
        assert 0.4 < samples.size / speaker.sample_rate < 5


def test_the_same_seed_gives_the_same_samples(speaker: Synthesizer, characters: Characters) -> None:
    asked = utterance(characters, sorted(speaker.languages)[0])
    first, second = (sound(speaker.speak(asked, Cancel())) for _ in range(2))
    assert np.array_equal(first, second)


def test_interleaved_streams_give_what_each_gives_alone(
    speaker: Synthesizer, characters: Characters
) -> None:
    language = sorted(speaker.languages)[0]
    asked = [utterance(characters, language, text) for text in (LONG[:80], "Wait a moment!")]
    alone = [sound(speaker.speak(one, Cancel())) for one in asked]
    streams = [speaker.speak(one, Cancel()) for one in asked]
    mixed: list[list[Chunk]] = [[], []]
    live = [0, 1]
    while live:
        for place in list(live):
            chunk = next(streams[place], None)
            if chunk is None:
                live.remove(place)
            else:
                mixed[place].append(chunk)
    for place in (0, 1):
        assert np.array_equal(sound(iter(mixed[place])), alone[place])


def test_words_are_pieces_of_the_text_in_order(
    speaker: Synthesizer, characters: Characters
) -> None:
    for language in speaker.languages:
        asked = utterance(characters, language)
        found = 0
        for chunk in speaker.speak(asked, Cancel()):
            end = 0.0
            for word in chunk.words:
                assert word.text in asked.segments[0].text
                assert end - 1e-6 <= word.start <= word.end
                end, found = word.end, found + 1
            assert end <= chunk.samples.size / speaker.sample_rate + 1e-3
        assert found


def test_twice_the_speed_is_shorter(speaker: Synthesizer, characters: Characters) -> None:
    asked = utterance(characters, sorted(speaker.languages)[0])
    usual = sound(speaker.speak(asked, Cancel())).size
    assert sound(speaker.speak(replace(asked, speed=2.0), Cancel())).size < 0.8 * usual


def test_a_cancel_stops_a_stream_within_reason(
    speaker: Synthesizer, characters: Characters
) -> None:
    """Half a second is no promise: the benchmark measures; this only says that it stops at all."""
    cancel = Cancel()
    asked = utterance(characters, sorted(speaker.languages)[0], LONG)
    stream = speaker.speak(asked, cancel)
    timer = threading.Timer(0.05, cancel.set)
    timer.start()
    started = time.monotonic()
    try:
        for _ in stream:
            pass
    except Cancelled:
        pass
    timer.join()
    assert time.monotonic() - started < 3


def test_converted_sound_is_as_long_as_what_came(converter: Converter) -> None:
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, 9600).astype(np.float32)
    blocks = list(converter.convert(iter(np.split(noise, 10)), Cancel()))
    assert sum(block.size for block in blocks) == noise.size
    assert all(block.dtype == np.float32 and np.abs(block).max() <= 1 for block in blocks)


def test_an_unknown_engine_names_the_known_ones(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="hibari, kokoro, tone, gain"):
        engines.create("bell", settings)


NEEDY = [name for name in engines.ENGINES if engines.create(name, Settings()).weights]


@pytest.mark.parametrize("name", NEEDY)
def test_missing_weights_say_which_file_where_and_how(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.weights.packaged_path", lambda name: None)
    engine = engines.create(name, Settings(models=Models(path=tmp_path)))
    with pytest.raises(WeightsMissing) as missing:
        engine.load()
    assert str(tmp_path / name) in missing.value.message
    assert missing.value.hint and "install" in missing.value.hint
