"""A converter's stream: a block in, a block out, and an error of ours for any of a model's."""

from __future__ import annotations

import logging
from contextlib import aclosing

import numpy as np
import pytest

from realtime.conversion.converter_stream import ConverterStream
from realtime.engines.voice_change import VoiceChange
from realtime.errors import SynthesisFailed
from tests.support.fake_converters import FailingConverter, InvertingConverter, models_of

pytestmark = pytest.mark.anyio

PLAN = InvertingConverter().plan(VoiceChange())


async def test_each_block_gives_its_own() -> None:
    engine = InvertingConverter()
    ours = models_of(engine)
    async with (
        ours.converter("inverting").lease() as lease,
        aclosing(ConverterStream(lease, VoiceChange(), PLAN, lambda: 0.0)) as stream,
    ):
        block = np.linspace(0.1, 1, 320, dtype=np.float32)
        assert not (await stream.convert(block)).any()
        assert np.array_equal(await stream.convert(block), -block)
        assert engine.streams == 1
    assert lease.lane.jobs == 0
    assert await lease.lane.call(lambda: engine.streams) == 0
    await ours.close()


async def test_a_models_error_ends_its_stream_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = models_of(FailingConverter())
    block = np.ones(320, np.float32)
    async with ours.converter("failing").lease() as lease:
        for _ in range(2):
            async with aclosing(ConverterStream(lease, VoiceChange(), PLAN, lambda: 0.0)) as stream:
                with caplog.at_level(logging.CRITICAL), pytest.raises(SynthesisFailed) as failed:
                    for _ in range(3):
                        await stream.convert(block)
                assert failed.value.code == "conversion_failed"
    await ours.close()


async def test_in_long_silence_the_engine_is_not_asked() -> None:
    engine = InvertingConverter()
    asked = []
    engine.work = asked.append
    ours = models_of(engine)
    silence, sound = np.zeros(320, np.float32), np.ones(320, np.float32)
    async with (
        ours.converter("inverting").lease() as lease,
        aclosing(ConverterStream(lease, VoiceChange(), PLAN, lambda: 0.0)) as stream,
    ):
        given = [await stream.convert(part) for part in [sound, *[silence] * 100, sound, silence]]
    await ours.close()
    heard = [number for number, part in enumerate(given) if part.any()]
    assert heard == [1, 102], "20 ms late, also after the silence"
    assert len(asked) == 3 + (PLAN.latency + PLAN.context) // 320
