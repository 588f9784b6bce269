"""A piece is spoken in turns, and stops between any two steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.turn import Turn
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.prompt import LinePrompt
from realtime.engines.valle.speaking import PieceSpeaker, VoiceExample, _score
from realtime.engines.valle.text import Encoded
from realtime.errors import SynthesisFailed
from realtime.settings import ValleSamplingSettings
from tests.support import small_valle
from tests.support.valle_files import settings_in

TEXT = Encoded(tuple(range(20, 30)), (0,) * 10)


class Gone(Exception):
    """The listener left."""


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PieceSpeaker]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    settings = settings_in(tmp_path_factory.mktemp("valle"))
    run = RunConfig("cpu", "fp32", "eager", 2, (1, 2))
    model = ValleModel(small_valle.make_checkpoint(30.0), small_valle.make_vocos(), run, settings)
    yield PieceSpeaker(model, ValleSamplingSettings())
    torch.set_num_threads(before)


def make_example() -> VoiceExample:
    prompt = small_valle.make_prompt(frames=20)
    return VoiceExample(prompt.codes, Encoded(prompt.ids, (0,) * len(prompt.ids)))


def make_turn(seconds: float = 0.0) -> Turn:
    """Make a turn whose clock moves by so many seconds at every look."""
    times = iter(range(1_000_000))
    return Turn(lambda: None, lambda: False, clock=lambda: seconds * next(times))


def test_a_turn_may_be_one_step_and_changes_nothing(speaker: PieceSpeaker) -> None:
    turns = list(speaker.make_codes(TEXT, make_example(), 1, make_turn(seconds=1.0)))
    (whole,) = speaker.make_codes(TEXT, make_example(), 1, make_turn(seconds=0.0))
    assert turns[-1] is not None and whole is not None
    assert np.array_equal(turns[-1], whole) and whole.shape[1] == 8
    assert np.array_equal(whole, whole.clip(0, 1023))
    # A turn for each step, the last of which ends the line, and for each of seven passes.
    assert turns[:-1] == [None] * (len(whole) + 1 + 7)


def codes_side_by_side(speaker: PieceSpeaker) -> list[list[list[int]]]:
    """Make five pieces with different seeds, one step of each in turn."""
    streams = [
        speaker.make_codes(TEXT, make_example(), seed, make_turn(seconds=1.0)) for seed in range(5)
    ]
    made: dict[int, list[list[int]]] = {}
    while len(made) < 5:
        for seed, stream in enumerate(streams):
            if seed not in made and (codes := next(stream)) is not None:
                made[seed] = codes.tolist()
    return [made[seed] for seed in range(5)]


def test_more_lines_than_slots_take_turns(speaker: PieceSpeaker) -> None:
    together = codes_side_by_side(speaker)
    for seed, codes in enumerate(together):
        (alone,) = speaker.make_codes(TEXT, make_example(), seed, make_turn())
        assert alone is not None and alone.tolist() == codes


def test_a_listener_that_leaves_stops_it_within_a_pass(speaker: PieceSpeaker) -> None:
    checks = 0  # before the steps and in the passes, when no line is in a slot

    def check() -> None:
        nonlocal checks
        if not speaker._model.batch.line_count:
            checks += 1
        if checks == 19:  # between the two layers of the fifth of seven passes
            raise Gone

    turn = Turn(check, lambda: False, clock=lambda: 0.0)
    with pytest.raises(Gone):
        list(speaker.make_codes(TEXT, make_example(), 1, turn))
    assert checks == 19
    (codes,) = speaker.make_codes(TEXT, make_example(), 1, make_turn())
    assert codes is not None


def test_a_listener_that_leaves_stops_it_before_the_next_pass(speaker: PieceSpeaker) -> None:
    gone = False

    def check() -> None:
        if gone:
            raise Gone

    seconds = iter(range(1_000_000))
    turn = Turn(check, lambda: gone, clock=lambda: float(next(seconds)))
    stream = speaker.make_codes(TEXT, make_example(), 1, turn)
    passes = 0
    for _ in stream:
        if not speaker._model.batch.line_count:
            passes += 1
        if passes == 3:
            gone = True
            break
    with pytest.raises(Gone):
        next(stream)


def test_nan_is_an_error_and_leaves_nothing_behind(speaker: PieceSpeaker) -> None:
    model = speaker._model.batch._model
    (right,) = speaker.make_codes(TEXT, make_example(), 1, make_turn())
    attention = model.decoder.layers[0].self_attn
    weights = attention.in_proj_bias.clone()
    attention.in_proj_bias.fill_(torch.nan)
    with pytest.raises(SynthesisFailed, match="produced NaN"):
        list(speaker.make_codes(TEXT, make_example(), 1, make_turn()))
    attention.in_proj_bias.copy_(weights)
    (again,) = speaker.make_codes(TEXT, make_example(), 1, make_turn())
    assert right is not None and again is not None and np.array_equal(again, right)


def test_nan_in_a_pass_is_an_error(speaker: PieceSpeaker) -> None:
    norm = speaker._model._pass.module.decoder.norm  # type: ignore[union-attr]
    bias = norm.norm.bias.clone()  # type: ignore[union-attr]
    norm.norm.bias.fill_(torch.nan)  # type: ignore[union-attr, operator]
    with pytest.raises(SynthesisFailed, match="produced NaN"):
        list(speaker.make_codes(TEXT, make_example(), 1, make_turn()))
    norm.norm.bias.copy_(bias)  # type: ignore[union-attr, operator]


def test_a_step_ahead_says_the_same(speaker: PieceSpeaker) -> None:
    batch = speaker._model.batch
    plain = codes_side_by_side(speaker)
    batch._queues_ahead = True
    try:
        assert codes_side_by_side(speaker) == plain
    finally:
        batch._queues_ahead = False


def test_the_best_is_the_likeliest_for_all_that_the_model_went_on_from() -> None:
    """The prompt's codes count too, so a short line's likelihood is not divided by much less."""
    prompt = LinePrompt([5], [0], [9] * 97)
    short = prompt.make_line(9, int, codes=[1, 2], likelihood=-10.0)
    long = prompt.make_line(9, int, codes=[1] * 7, likelihood=-12.0)
    assert max((short, long), key=_score) is short  # -10 / 100, -12 / 105
    assert _score(short) == -0.1
