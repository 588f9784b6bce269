"""A piece is said in turns, and stops between any two steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from realtime.engines.valle.batching import BatchedLine
from realtime.engines.valle.device_choice import Run
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.speaking import Speaking, VoiceExample, Watch, _score
from realtime.engines.valle.text import Encoded
from realtime.errors import SynthesisFailed
from realtime.settings import ValleSamplingSettings
from tests.support import small_valle
from tests.support.valle_files import settings_in

WORDS = Encoded(tuple(range(20, 30)), (0,) * 10)


class Gone(Exception):
    """Nobody waits any more."""


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaking]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    settings = settings_in(tmp_path_factory.mktemp("valle"))
    run = Run("cpu", "fp32", "eager", 2, (1, 2))
    model = ValleModel(small_valle.checkpoint(30.0), small_valle.sounding(), run, settings)
    yield Speaking(model, ValleSamplingSettings())
    torch.set_num_threads(before)


def heard() -> VoiceExample:
    prompt = small_valle.prompt(frames=20)
    return VoiceExample(prompt.codes, Encoded(prompt.ids, (0,) * len(prompt.ids)))


def watch(turn: float = 0.0) -> Watch:
    """A clock that moves by so many seconds whenever it is looked at."""
    times = iter(range(1_000_000))
    return Watch(lambda: None, lambda: False, clock=lambda: turn * next(times))


def test_a_turn_may_be_one_step_and_changes_nothing(speaking: Speaking) -> None:
    *short, last = speaking.say(WORDS, heard(), 1, watch(turn=1.0))
    (whole,) = speaking.say(WORDS, heard(), 1, watch(turn=0.0))
    assert last is not None and whole is not None
    assert np.array_equal(last, whole) and whole.shape[1] == 8
    assert np.array_equal(whole, whole.clip(0, 1023))
    # A turn for each step, the last of which says that it is over, and for each of seven passes.
    assert short == [None] * (len(whole) + 1 + 7)


def test_more_lines_than_slots_take_turns(speaking: Speaking) -> None:
    alone = [list(speaking.say(WORDS, heard(), seed, watch()))[-1] for seed in range(5)]
    streams = [speaking.say(WORDS, heard(), seed, watch(turn=1.0)) for seed in range(5)]
    found: dict[int, object] = {}
    while len(found) < 5:
        for place, stream in enumerate(streams):
            if place not in found and (codes := next(stream)) is not None:
                found[place] = codes
    for place, codes in found.items():
        assert np.array_equal(codes, alone[place])  # type: ignore[call-overload]


def test_nobody_waiting_stops_it_within_a_pass(speaking: Speaking) -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += speaking._model.slots.taken == 0
        if asked == 18:  # between the two layers of the fifth of seven passes
            raise Gone

    with pytest.raises(Gone):
        list(speaking.say(WORDS, heard(), 1, Watch(check, lambda: False, clock=lambda: 0.0)))
    assert asked == 18
    (codes,) = speaking.say(WORDS, heard(), 1, watch())
    assert codes is not None


def test_nobody_waiting_stops_it_before_the_next_pass(speaking: Speaking) -> None:
    gone = False

    def check() -> None:
        if gone:
            raise Gone

    seconds = iter(range(1_000_000))
    stream = speaking.say(
        WORDS, heard(), 1, Watch(check, lambda: gone, clock=lambda: float(next(seconds)))
    )
    passes = 0
    for _ in stream:
        passes += speaking._model.slots.taken == 0
        if passes == 3:
            gone = True
            break
    with pytest.raises(Gone):
        next(stream)


def test_what_is_no_number_is_an_error_and_is_forgotten(speaking: Speaking) -> None:
    coarse = speaking._model.slots._coarse
    (right,) = speaking.say(WORDS, heard(), 1, watch())
    attention = coarse.decoder.layers[0].self_attn
    weights = attention.in_proj_bias.clone()
    attention.in_proj_bias.fill_(torch.nan)
    with pytest.raises(SynthesisFailed, match="no number"):
        list(speaking.say(WORDS, heard(), 1, watch()))
    attention.in_proj_bias.copy_(weights)
    (again,) = speaking.say(WORDS, heard(), 1, watch())
    assert right is not None and again is not None and np.array_equal(again, right)


def test_what_is_no_number_in_a_pass_is_an_error(speaking: Speaking) -> None:
    norm = speaking._model._pass.module.decoder.norm  # type: ignore[union-attr]
    bias = norm.norm.bias.clone()  # type: ignore[union-attr]
    norm.norm.bias.fill_(torch.nan)  # type: ignore[union-attr, operator]
    with pytest.raises(SynthesisFailed, match="no number"):
        list(speaking.say(WORDS, heard(), 1, watch()))
    norm.norm.bias.copy_(bias)  # type: ignore[union-attr, operator]


def test_a_step_ahead_says_the_same(speaking: Speaking) -> None:
    slots = speaking._model.slots

    def said() -> list[object]:
        streams = [speaking.say(WORDS, heard(), seed, watch(turn=1.0)) for seed in range(5)]
        found: dict[int, list[object]] = {}
        while len(found) < 5:
            for place, stream in enumerate(streams):
                if place not in found and (codes := next(stream)) is not None:
                    found[place] = codes.tolist()
        return [found[place] for place in range(5)]

    plain = said()
    slots._looks_ahead = True
    try:
        assert said() == plain
    finally:
        slots._looks_ahead = False


def test_the_best_is_the_likeliest_for_all_that_the_model_went_on_from() -> None:
    """A prompt weighs in, so that of two likelihoods a short line's is not divided by less."""
    short = BatchedLine([5], [0], [9] * 97, np.zeros(9, np.int64), codes=[1, 2], likelihood=-10.0)
    long = BatchedLine([5], [0], [9] * 97, np.zeros(9, np.int64), codes=[1] * 7, likelihood=-12.0)
    assert max((short, long), key=_score) is short  # -10 / 100, -12 / 105
    assert _score(short) == -0.1
