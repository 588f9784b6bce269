"""Lines come and go, and each goes on as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from realtime.engines.decoding.batch import Batch
from realtime.engines.decoding.line import END, BatchedLine
from realtime.engines.valle.networks.autoregressive import Sampling, filter_logits

INVALID = END + 1
Line = BatchedLine[int]  # its prompt is the count of places that are prefilled


class ScriptedModel:
    """A stand-in for the model: the code of a step is its random number.

    Its cache has one number a place: -1 is not written, 0 is prefilled or cleared.
    """

    def __init__(self, slots: int = 8, places: int = 64) -> None:
        self.keys = torch.full((1, slots, 1, places, 1), -1.0)
        self.device = self.keys.device
        self.calls: list[tuple[int, int]] = []  # lines and rows of each step
        self.cleared: list[tuple[int, int | None]] = []

    def prefill(self, slot: int, places: int) -> None:
        self.keys[:, slot] = -1.0
        self.keys[0, slot, 0, :places, 0] = 0.0

    def move(self, source: int, target: int, places: int) -> None:
        self.keys[:, target] = -1.0
        self.keys[:, target, :, :places] = self.keys[:, source, :, :places]

    def clear(self, slot: int, place: int | None = None) -> None:
        self.cleared.append((slot, place))
        self.keys[0, slot, 0, slice(None) if place is None else place] = 0.0

    @contextmanager
    def step(self, state: Tensor, numbers: Tensor, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        self.calls.append((len(state), len(rows)))
        lines = torch.arange(len(state))
        self.keys[0, lines, 0, state[:, 2], 0] = numbers.float()
        for line, place in enumerate(state[:, 2].tolist()):
            if numbers[line]:
                written = self.keys[0, line, 0, : place + 1, 0]
                assert (written >= 0).all(), "a place was lost"
                assert place < len(rows), "not all places are read"
        chosen = numbers.clone()
        logits = torch.nn.functional.one_hot(chosen.clamp(max=END), END + 1).float()
        yield torch.stack((chosen, state[:, 1] + 1, state[:, 2] + 1), 1), logits


def make_batch(
    model: ScriptedModel, batch_sizes: tuple[int, ...] = (1, 2, 4), **more: Any
) -> Batch[int]:
    spans = (8, 16, 64)
    return Batch(model, model.prefill, model.step, batch_sizes=batch_sizes, spans=spans, **more)


def make_line(*codes: int, ids: int = 3, prompt: int = 2, guard: int = 0) -> Line:
    """Make a line that says these codes, each being its random number."""
    state = (9, prompt, ids + prompt)
    return BatchedLine(ids + prompt, state, len(codes), codes.__getitem__, guard)


def run(batch: Batch[int], most: int = 100) -> None:
    """Take steps until no line is left."""
    for _ in range(most):
        if not batch.line_count:
            return
        batch.advance()
    raise AssertionError("it never ended")


@pytest.mark.parametrize("ahead", [False, True])
def test_a_line_ends_at_its_end_or_at_its_limit(ahead: bool) -> None:
    batch = make_batch(ScriptedModel(), ahead=ahead)
    ended, limited = make_line(4, 5, END, 6), make_line(4, 5, 6)
    assert batch.enter(ended) and batch.enter(limited)
    run(batch)
    assert (ended.codes, ended.ending) == ([4, 5], "end")
    assert (limited.codes, limited.ending) == ([4, 5, 6], "limit")


def test_a_guard_ends_what_repeats_itself() -> None:
    batch = make_batch(ScriptedModel())
    stuck, lively = make_line(1, 7, 7, 7, 7, 2, guard=3), make_line(7, 7, 1, 7, 7, 1, guard=3)
    batch.enter(stuck)
    batch.enter(lively)
    run(batch)
    assert (stuck.codes, stuck.ending) == ([1, 7, 7, 7], "repetition")
    assert lively.ending == "limit"


def test_lines_that_move_take_all_their_places_along() -> None:
    model = ScriptedModel()
    batch = make_batch(model)
    lines = [make_line(*range(1, 4 + 3 * number)) for number in range(4)]
    for line in lines:
        assert batch.enter(line)
    assert not batch.enter(make_line(1))
    run(batch)
    for number, line in enumerate(lines):
        assert line.codes == list(range(1, 4 + 3 * number))
    counts = [lines for lines, _ in model.calls]
    assert counts == sorted(counts, reverse=True) and set(counts) == {4, 2, 1}


def test_a_line_that_comes_later_starts_beside_the_others() -> None:
    batch = make_batch(ScriptedModel())
    first, second = make_line(1, 2, 3, 4, 5, 6), make_line(8, 9)
    batch.enter(first)
    batch.advance()
    batch.enter(second)
    run(batch)
    assert first.codes == [1, 2, 3, 4, 5, 6] and second.codes == [8, 9]


def test_only_as_many_places_are_read_as_are_needed() -> None:
    model = ScriptedModel()
    batch = make_batch(model)
    batch.enter(make_line(*range(1, 30), ids=3, prompt=2))
    run(batch)
    assert [rows for _, rows in model.calls] == [8] * 3 + [16] * 8 + [64] * 18


def test_one_batch_size_is_kept_when_only_one_is_given() -> None:
    model = ScriptedModel()
    batch = make_batch(model, batch_sizes=(4,))
    batch.enter(make_line(1, 2))
    run(batch)
    assert [lines for lines, _ in model.calls] == [4, 4]


def test_a_line_that_leaves_frees_a_slot_and_stays_as_it_was() -> None:
    batch = make_batch(ScriptedModel(), batch_sizes=(1, 2))
    gone, stays, waits = make_line(1, 2, 3), make_line(4, 5, 6), make_line(7, 8)
    left = False
    gone.is_abandoned = lambda: left
    batch.enter(gone)
    batch.enter(stays)
    batch.advance()
    left = True
    batch.advance()
    assert (gone.codes, gone.ending) == ([1], "abandoned")
    assert batch.enter(waits)
    batch.leave(gone)  # again: nothing happens
    run(batch)
    assert stays.codes == [4, 5, 6] and waits.codes == [7, 8]


def test_likelihoods_are_summed_when_lines_are_compared() -> None:
    batch = make_batch(ScriptedModel(), score=lambda logits: logits)
    line = make_line(1, 2)
    batch.enter(line)
    run(batch)
    each = float(torch.nn.functional.one_hot(torch.tensor(0), END + 1).float().log_softmax(-1)[0])
    assert abs(line.likelihood - 2 * each) < 1e-4


def test_a_line_ends_by_itself_when_its_slot_is_full() -> None:
    """The last place is left for one code too many."""
    for ahead in (False, True):
        batch = make_batch(ScriptedModel(places=16), batch_sizes=(1, 2), ahead=ahead)
        batch._places = 16
        long = make_line(*range(1, 30), ids=3, prompt=2)
        other = make_line(*range(1, 13), ids=1, prompt=0)
        batch.enter(long)
        batch.enter(other)
        run(batch)
        assert (long.codes, long.ending) == (list(range(1, 11)), "limit")
        assert other.codes == list(range(1, 13))
        never = make_line(1, ids=20, prompt=0)
        assert batch.enter(never) and never.ending == "limit" and not batch.line_count


@pytest.mark.parametrize("ahead", [False, True])
def test_what_is_no_code_ends_its_line_and_is_cleared_away(ahead: bool) -> None:
    model = ScriptedModel()
    batch = make_batch(model, ahead=ahead)
    broken, other = make_line(4, INVALID, 6), make_line(1, 2, 3, 4)
    batch.enter(broken)
    batch.enter(other)
    run(batch)
    assert (broken.codes, broken.ending) == ([4], "invalid")
    assert (0, None) in model.cleared and other.codes == [1, 2, 3, 4]


def test_a_step_ahead_is_queued_before_codes_are_read() -> None:
    model = ScriptedModel()
    batch = make_batch(model, ahead=True)
    line = make_line(1, 2, END, 4, 5)
    batch.enter(line)
    counts = []
    while batch.line_count:
        batch.advance()
        counts.append((len(model.calls), len(line.codes)))
    # One step more than codes were read; the code of the last is dropped.
    assert counts == [(2, 1), (3, 2), (4, 2)] and line.ending == "end"


def test_no_step_ahead_is_queued_when_all_lines_are_at_their_limit() -> None:
    model = ScriptedModel()
    batch = make_batch(model, ahead=True)
    batch.enter(make_line(1, 2, 3))
    run(batch)
    assert len(model.calls) == 3


class RandomLines:
    """Lines that come, go, end and are abandoned, all by one seed."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.lines: list[Line] = []
        self.first_turns: list[int] = []
        self.most_codes: list[int] = []  # after which a line is abandoned
        for _ in range(12):
            codes = generator.integers(1, 9, generator.integers(1, 30)).tolist()
            if generator.random() < 0.4:
                codes[generator.integers(len(codes))] = END
            elif generator.random() < 0.2:
                codes[generator.integers(len(codes))] = INVALID
            ids = int(generator.integers(1, 5))
            guard = 4 if generator.random() < 0.5 else 0
            self.lines.append(make_line(*codes, ids=ids, guard=guard))
            self.first_turns.append(int(generator.integers(0, 30)))
            goes = generator.random() < 0.3
            self.most_codes.append(int(generator.integers(5, 25)) if goes else 1_000)

    def run(self, ahead: bool) -> list[tuple[list[int], str | None]]:
        batch = make_batch(ScriptedModel(), ahead=ahead)
        waiting = sorted(range(12), key=lambda number: self.first_turns[number])
        turn = 0
        while waiting or batch.line_count:
            while (
                waiting and self.first_turns[waiting[0]] <= turn and self._enter(batch, waiting[0])
            ):
                del waiting[0]
            batch.advance()
            turn += 1
        return [(line.codes, line.ending) for line in self.lines]

    def _enter(self, batch: Batch[int], number: int) -> bool:
        line, most = self.lines[number], self.most_codes[number]
        line.is_abandoned = lambda: len(line.codes) >= most
        return batch.enter(line)


@pytest.mark.parametrize("number", range(20))
def test_a_step_ahead_changes_no_line(number: int) -> None:
    plain, ahead = RandomLines(number).run(False), RandomLines(number).run(True)
    assert plain == ahead
    assert {"end", "limit"} & {ending for _, ending in plain}


def test_a_likelihood_is_that_among_what_was_chosen_from() -> None:
    model = ScriptedModel()
    batch = make_batch(model, score=partial(filter_logits, sampling=Sampling(0.5, top_k=1)))
    line = make_line(1, 2, END, 3)
    batch.enter(line)
    run(batch)
    assert line.ending == "end" and line.likelihood == 0.0  # of one code that one is sure
    batch = make_batch(model, score=partial(filter_logits, sampling=Sampling(0.5)))
    batch.enter(line := make_line(1))
    run(batch)
    logits = 2 * torch.nn.functional.one_hot(torch.tensor(1), END + 1).float()
    assert abs(line.likelihood - float(logits.log_softmax(-1)[1])) < 1e-5
