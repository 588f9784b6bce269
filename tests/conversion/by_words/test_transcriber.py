"""Sentences into words on the recogniser's lane: languages, what says nothing, what breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.transcriber import Transcriber
from realtime.engines.contract import Samples, Transcript
from realtime.errors import SynthesisFailed
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from tests.support.fake_recogniser import ScriptedRecogniser

pytestmark = pytest.mark.anyio

SENTENCE = Sentence(np.zeros(16_000, np.float32), 0)


class Bench:
    def __init__(self) -> None:
        self.typist = ScriptedRecogniser()
        self.models = LoadedModels(Settings(), lambda name, settings: self.typist, ("revoice",))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.models.close()


@pytest.mark.parametrize(
    ("language", "given"),
    [("en", "en"), ("zh", "zh"), ("ja", "ja"), ("auto", None), ("mix", None)],
)
async def test_a_language_that_is_known_is_given(
    bench: Bench, language: str, given: str | None
) -> None:
    async with bench.models.recogniser("revoice").lease() as lease:
        await Transcriber(lease, language).words(SENTENCE)
    assert bench.typist.asked == [(given, None)]


async def test_a_language_that_was_spoken_is_remembered(bench: Bench) -> None:
    said = iter([Transcript("あ", "ja"), Transcript("", "en"), Transcript("...", "en")])
    bench.typist.write = lambda samples: next(said)
    async with bench.models.recogniser("revoice").lease() as lease:
        understanding = Transcriber(lease, "auto")
        assert [(await understanding.words(SENTENCE)).text for _ in range(3)] == ["あ", "", ""]
    assert [usual for _, usual in bench.typist.asked] == [None, "ja", "ja"]


async def test_an_engine_that_breaks_is_told_without_its_insides(bench: Bench) -> None:
    def broken(samples: Samples) -> Transcript:
        raise ZeroDivisionError("inside")

    bench.typist.write = broken
    async with bench.models.recogniser("revoice").lease() as lease:
        with pytest.raises(SynthesisFailed) as failed:
            await Transcriber(lease, "en").words(SENTENCE)
        assert "inside" not in failed.value.message
        assert lease.lane.jobs == 0
