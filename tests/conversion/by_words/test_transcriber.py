"""Transcription: languages, sentences without words, and an engine that fails."""

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
    """A recogniser that a test scripts, among loaded models."""

    def __init__(self) -> None:
        self.recogniser = ScriptedRecogniser()
        self.models = LoadedModels(Settings(), lambda name, settings: self.recogniser, ("revoice",))


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
        await Transcriber(lease, language).transcribe(SENTENCE)
    assert bench.recogniser.asked == [(given, None)]


async def test_a_language_that_was_spoken_is_remembered(bench: Bench) -> None:
    said = iter([Transcript("あ", "ja"), Transcript("", "en"), Transcript("...", "en")])
    bench.recogniser.write = lambda samples: next(said)
    async with bench.models.recogniser("revoice").lease() as lease:
        transcriber = Transcriber(lease, "auto")
        assert [(await transcriber.transcribe(SENTENCE)).text for _ in range(3)] == ["あ", "", ""]
    assert [usual for _, usual in bench.recogniser.asked] == [None, "ja", "ja"]


async def test_an_engine_that_breaks_is_told_without_its_insides(bench: Bench) -> None:
    def broken(samples: Samples) -> Transcript:
        raise ZeroDivisionError("inside")

    bench.recogniser.write = broken
    async with bench.models.recogniser("revoice").lease() as lease:
        with pytest.raises(SynthesisFailed) as failed:
            await Transcriber(lease, "en").transcribe(SENTENCE)
        assert "inside" not in failed.value.message
        assert lease.lane.jobs == 0
