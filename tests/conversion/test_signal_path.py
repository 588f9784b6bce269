"""The signal path: the output lies where the input was, and is as long, converted or not."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.audio.samples import RATES, Pcm
from realtime.conversion.signal_path import Bypass, SignalPath, checked_rate
from realtime.engines.contract import ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest
from tests.support.voice_like_sound import pcm, voice

OPEN = VoiceChange(gate=-90.0)
PLANS = [
    ConversionPlan(24000, 24000, step=480, block=480, latency=960, context=2_880),
    ConversionPlan(16000, 16000, step=1, block=320),
    ConversionPlan(16000, 24000, step=2, block=640, latency=320, context=1_600),
]


class DelayOnly:
    """A converter that changes nothing: its output has the latency and the rate of its plan.

    Between two rates it interpolates linearly, with a constant at the end of each block.
    """

    def __init__(self, plan: ConversionPlan) -> None:
        self._plan = plan
        self._held = np.zeros(plan.latency, np.float32)

    def convert(self, block: Samples) -> Samples:
        if not block.size:
            return block
        held = np.concatenate([self._held, block])
        given, self._held = held[: block.size], held[block.size :]
        places = np.arange(block.size * self._plan.output_rate // self._plan.rate)
        scale = self._plan.rate / self._plan.output_rate
        return np.interp(places * scale, np.arange(given.size), given).astype(np.float32)


def through(sound: Pcm, plan: ConversionPlan, rate: int, output_rate: int) -> Pcm:
    path, converter = SignalPath(plan, OPEN, rate, output_rate), DelayOnly(plan)
    found, place = [], 0
    while place < sound.size:
        count = path.input_needed(plan.block)
        block = path.to_converter(sound[place : place + count])
        if place + count <= sound.size:
            assert block.size == plan.block
        place += count
        found.append(path.from_converter(converter.convert(block)))
    ended = False
    while not ended:
        tail = path.from_converter(converter.convert(path.silence(plan.block)))
        tail, ended = path.trim_tail(tail)
        found.append(tail)
    return np.concatenate(found)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("rate", RATES)
def test_it_is_as_long_and_lies_where_it_was(plan: ConversionPlan, rate: int) -> None:
    place = np.arange(rate // 2) / rate
    sound = pcm((0.5 * np.sin(2 * np.pi * 330 * place)).astype(np.float32))
    found = through(sound, plan, rate, rate)
    assert found.size == sound.size
    middle = slice(rate // 20, -rate // 20)
    close = 200 if plan.rate == plan.output_rate else 1_500
    assert np.abs(found[middle].astype(int) - sound[middle]).max() < close


@pytest.mark.parametrize("output_rate", RATES)
def test_another_rate_lasts_as_long(output_rate: int) -> None:
    sound = pcm(voice(0.7, rate=44100))
    found = through(sound, PLANS[0], 44100, output_rate)
    assert abs(found.size - sound.size * output_rate / 44100) <= 1


@pytest.mark.parametrize("seconds", [0.0, 1 / 24000, 0.019, 0.0201])
def test_the_shortest_sounds_are_as_short(seconds: float) -> None:
    sound = pcm(voice(1.0))[: round(seconds * 24000)]
    assert np.array_equal(through(sound, PLANS[0], 24000, 24000), sound)


@pytest.mark.parametrize("plan", PLANS)
def test_the_bypass_is_as_late_as_the_converter(plan: ConversionPlan) -> None:
    converter, bypass = DelayOnly(plan), Bypass(plan)
    sound = voice(0.5, rate=plan.rate)
    for block in np.split(sound[: 10 * plan.block], 10):
        found, expected = bypass.output(block, None), converter.convert(block)
        assert np.allclose(found[:-1], expected[:-1], atol=0.02)


@pytest.mark.parametrize("plan", PLANS)
def test_bypassing_and_coming_back_makes_no_click(plan: ConversionPlan) -> None:
    """Invert the converted sound, so that every change without a fade is a big step."""
    converter, bypass = DelayOnly(plan), Bypass(plan)
    place = np.arange(40 * plan.block) / plan.rate
    sound = (0.5 * np.sin(2 * np.pi * 150 * place)).astype(np.float32)
    found = []
    for number, block in enumerate(np.split(sound, 40)):
        converted = -converter.convert(block)
        found.append(bypass.output(block, None if number % 10 >= 5 else converted))
    steps = np.abs(np.diff(np.concatenate(found)[plan.latency * 2 :]))
    usual = 0.5 * 2 * np.pi * 150 / plan.output_rate
    assert steps.max() < 2.5 * usual


def test_what_was_heard_is_the_context_of_a_stream_that_begins() -> None:
    plan = PLANS[0]
    bypass = Bypass(plan)
    sound = voice(0.5)
    for block in np.split(sound, sound.size // 480):
        bypass.output(block, block)
    assert np.array_equal(bypass.context, sound[-plan.context :])


def test_a_rate_that_nobody_may_ask_for_is_refused() -> None:
    with pytest.raises(BadRequest, match="sample_rate is 1000; there are: 8000") as refused:
        checked_rate("sample_rate", 1_000)
    assert refused.value.field == "sample_rate"
