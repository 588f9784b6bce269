"""Sentences are detected however a stream is cut, and silence costs nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from realtime.audio.samples import Pcm, from_pcm16
from realtime.conversion.by_words.endpointing import SpeechEvent
from realtime.conversion.by_words.sentence import MOST_SECONDS
from realtime.conversion.by_words.sentence_detector import DetectedSpeech, SentenceDetector
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from tests.support.fake_recogniser import RATE, LevelDetector, hums, silence

pytestmark = pytest.mark.anyio


class Bench:
    """A sentence detector on a voice activity detector that goes by level."""

    def __init__(self) -> None:
        self.engine = LevelDetector()
        self.models = LoadedModels(Settings(), lambda name, settings: self.engine, ("silero",))

    async def detect(self, *parts: Pcm, level: float = -60.0) -> list[DetectedSpeech]:
        async with self.models.detector("silero").lease() as lease:
            self.detector = SentenceDetector(lease, 0.35, level)
            return [
                detected
                for part in parts
                async for detected in self.detector.feed(from_pcm16(part))
            ]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.models.close()


def events_of(found: list[DetectedSpeech]) -> list[SpeechEvent]:
    return [item.event for item in found]


WHOLE = [SpeechEvent.BEGAN, SpeechEvent.PAUSED, SpeechEvent.ENDED]


async def test_a_sentence_is_told_with_its_sound(bench: Bench) -> None:
    detected = await bench.detect(np.concatenate([silence(1.0), hums(1.5, 1.0)]))
    assert events_of(detected) == WHOLE
    paused, ended = detected[1].sentence, detected[2].sentence
    assert paused is not None and ended is not None
    assert ended.start / RATE == pytest.approx(1.0, abs=0.05)
    assert ended.samples.size / RATE == pytest.approx(1.8, abs=0.15)
    heard = np.abs(ended.samples) > 0.01
    assert heard.sum() / RATE == pytest.approx(1.5, abs=0.1)


async def test_however_it_is_cut_the_same_is_told(bench: Bench) -> None:
    stream = hums(0.7, 0.2, 0.6, 0.8, 0.5, 1.0)
    whole = await bench.detect(stream)
    assert events_of(whole).count(SpeechEvent.ENDED) == 2
    for size in (100, 511, 7_000):
        found = await bench.detect(*np.split(stream, list(range(size, stream.size, size))))
        assert events_of(found) == events_of(whole)
        for one, other in zip(found, whole, strict=True):
            if one.sentence is None or other.sentence is None:
                assert one.sentence is other.sentence
            else:
                assert np.array_equal(one.sentence.samples, other.sentence.samples)


async def test_silence_is_not_listened_to(bench: Bench) -> None:
    noise = np.random.default_rng(3).integers(-8, 8, 600 * RATE).astype(np.int16)
    assert await bench.detect(noise) == []
    assert bench.engine.frames_checked == 0
    detected = await bench.detect(noise[: 60 * RATE], hums(1.0, 1.0), noise[: 60 * RATE])
    assert events_of(detected) == WHOLE
    assert bench.engine.frames_checked * 512 / RATE < 4


async def test_a_lower_level_listens_to_what_is_quieter(bench: Bench) -> None:
    quiet = (hums(1.0, 1.0) // 400).astype(np.int16)
    await bench.detect(quiet)
    assert bench.engine.frames_checked == 0
    await bench.detect(quiet, level=-80.0)
    assert bench.engine.frames_checked > 0


async def test_speech_without_a_pause_is_cut(bench: Bench) -> None:
    detected = await bench.detect(hums(3 * MOST_SECONDS, 1.0))
    sentences = [item.sentence for item in detected if item.event is SpeechEvent.ENDED]
    assert len(sentences) >= 3
    assert all(one is not None and one.samples.size <= MOST_SECONDS * RATE for one in sentences)
    assert events_of(detected).count(SpeechEvent.BEGAN) == len(sentences)
    total = sum(one.samples.size for one in sentences if one is not None)
    assert total / RATE == pytest.approx(3 * MOST_SECONDS, abs=0.5)


async def test_what_is_being_said_at_the_end_is_a_sentence(bench: Bench) -> None:
    assert events_of(await bench.detect(hums(1.0))) == [SpeechEvent.BEGAN]
    assert bench.detector.speaking
    rest = bench.detector.finish()
    assert rest is not None and rest.samples.size / RATE == pytest.approx(1.0, abs=0.05)
    assert not bench.detector.speaking
    assert bench.detector.finish() is None
