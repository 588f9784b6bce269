"""Several recordings: each as it would be alone, and an error of one is its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from functools import partial

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.several_files import (
    ConvertedEnd,
    ConvertedPart,
    SourceRecording,
    convert_recordings,
)
from realtime.engines.contract import CancelToken, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, YamabikoError
from realtime.models.loaded import LoadedModels
from tests.support.fake_converters import (
    FailingConverter,
    InvertingConverter,
    WholeRecordingConverter,
    models_of,
)
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

RATE = 16_000
OPEN = VoiceChange(gate=-90.0)
SOUNDS = [pcm(0.4 * voice(seconds, rate=RATE)) for seconds in (0.5, 0.2, 0.4)]


class TogetherConverter(InvertingConverter):
    """A converter that takes two recordings at once, and notes how many each round had."""

    name = "together"

    def __init__(self) -> None:
        super().__init__()
        self.rounds: list[int] = []

    def most_together(self, change: VoiceChange) -> int:
        return 2

    def convert_together(
        self,
        rounds: Iterator[Sequence[Samples | None]],
        change: VoiceChange,
        cancel: CancelToken,
    ) -> Iterator[list[Samples | Exception | None]]:
        held: dict[int, Samples] = {}
        for blocks in rounds:
            self.rounds.append(sum(block is not None for block in blocks))
            sounds: list[Samples | Exception | None] = [None] * len(blocks)
            for place, block in enumerate(blocks):
                if block is not None:
                    before = held.get(place, np.zeros(320, np.float32))
                    sound = np.concatenate([before, block])
                    sounds[place], held[place] = -sound[: block.size], sound[block.size :]
            yield sounds


class WholeTogether(WholeRecordingConverter, TogetherConverter):
    name = "whole together"

    def convert_together(
        self,
        rounds: Iterator[Sequence[Samples | None]],
        change: VoiceChange,
        cancel: CancelToken,
    ) -> Iterator[list[Samples | Exception | None]]:
        for blocks in rounds:
            self.rounds.append(sum(block is not None for block in blocks))
            yield [None if block is None else -block[::-1] for block in blocks]


async def parts_of(sound: Pcm, breaks: bool = False) -> AsyncGenerator[Pcm, None]:
    for part in np.array_split(sound, 7):
        yield part
    if breaks:
        raise BadRequest("It is broken.", code="bad_audio")


def recording(sound: Pcm, breaks: bool = False) -> SourceRecording:
    return SourceRecording(partial(parts_of, sound, breaks), sound.size / RATE, RATE, RATE)


async def converted(
    ours: LoadedModels, name: str, recordings: Sequence[SourceRecording]
) -> dict[int, Pcm | YamabikoError]:
    """Convert some recordings; return the sound or the error of each, in the order of the ends."""
    sounds: dict[int, list[Pcm]] = {place: [] for place in range(len(recordings))}
    ended: dict[int, Pcm | YamabikoError] = {}
    async with aclosing(convert_recordings(ours, name, OPEN, recordings)) as items:
        async for item in items:
            assert item.place not in ended
            if isinstance(item, ConvertedPart):
                sounds[item.place].append(item.pcm)
            else:
                assert isinstance(item, ConvertedEnd)
                ended[item.place] = item.error or np.concatenate(sounds[item.place])
    await ours.close()
    return ended


def sound_of(end: Pcm | YamabikoError) -> Pcm:
    assert isinstance(end, np.ndarray), end
    return end


@pytest.mark.parametrize("kind", [InvertingConverter, TogetherConverter])
async def test_each_is_as_it_would_be_alone(kind: type[InvertingConverter]) -> None:
    engine = kind()
    found = await converted(models_of(engine), engine.name, [recording(each) for each in SOUNDS])
    assert sorted(found) == [0, 1, 2]
    for place, sound in enumerate(SOUNDS):
        assert np.array_equal(sound_of(found[place]), -sound)
    if isinstance(engine, TogetherConverter):
        # The two shortest go together, the shorter leaves first.
        assert engine.rounds[:5] == [2] * 5 and 1 in engine.rounds
        assert list(found) == [1, 2, 0]


@pytest.mark.parametrize("kind", [WholeRecordingConverter, WholeTogether])
async def test_whole_recordings(kind: type[InvertingConverter]) -> None:
    engine = kind()
    found = await converted(models_of(engine), engine.name, [recording(each) for each in SOUNDS])
    for place, sound in enumerate(SOUNDS):
        assert np.array_equal(sound_of(found[place]), -sound[::-1])
    assert not isinstance(engine, TogetherConverter) or engine.rounds == [2]


async def test_whole_recordings_are_together_as_long_as_one_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("realtime.conversion.several_files.MOST_WHOLE_SECONDS", 0.5)
    engine = WholeTogether()
    await converted(models_of(engine), engine.name, [recording(each) for each in SOUNDS])
    assert engine.rounds == [], "0.2 and 0.4 s are more than that: each goes alone"


@pytest.mark.parametrize("kind", [InvertingConverter, TogetherConverter, WholeTogether])
async def test_a_recording_that_breaks_ends_alone(kind: type[InvertingConverter]) -> None:
    engine = kind()
    recordings = [recording(SOUNDS[0]), recording(SOUNDS[0], breaks=True), recording(SOUNDS[0])]
    found = await converted(models_of(engine), engine.name, recordings)
    broken = found[1]
    assert isinstance(broken, BadRequest) and broken.code == "bad_audio"
    for place in (0, 2):
        assert sound_of(found[place]).size == SOUNDS[0].size


async def test_a_failing_engine_fails_each() -> None:
    found = await converted(
        models_of(FailingConverter()), "failing", [recording(each) for each in SOUNDS[:2]]
    )
    assert [getattr(each, "code", "") for each in found.values()] == ["conversion_failed"] * 2


@pytest.mark.parametrize("kind", [InvertingConverter, TogetherConverter])
async def test_leaving_early_frees_the_engine(kind: type[InvertingConverter]) -> None:
    engine = kind()
    ours = models_of(engine)
    items = convert_recordings(ours, engine.name, OPEN, [recording(each) for each in SOUNDS])
    assert isinstance(await anext(items), ConvertedPart)
    await items.aclose()
    assert ours.states()[0].leases == 0 and ours.job_counts() == [(engine.name, 0)]
    await ours.close()
