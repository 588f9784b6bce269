"""Lines come and go, and each goes on as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from realtime.engines.valle.batching import BEGIN, END, Batch, BatchedLine
from realtime.engines.valle.networks.autoregressive import Sampling


class Scripted:
    """In place of a model: a line's cache is what it has heard, and its code counts from it."""

    sampling = Sampling()

    def __init__(self, slots: int = 8, places: int = 64) -> None:
        self.keys = torch.full((1, slots, 1, places, 1), -1.0)
        self.device = self.keys.device
        self.calls: list[tuple[int, int]] = []  # lines and places of each step
        self.cleared: list[tuple[int, int | None]] = []

    def prefill(self, slot: int, text: Tensor, languages: Tensor, codes: Tensor) -> None:
        self.keys[:, slot] = -1.0
        self.keys[0, slot, 0, : len(text) + len(codes), 0] = 0.0

    def move(self, source: int, target: int, places: int) -> None:
        self.keys[:, target] = -1.0
        self.keys[:, target, :, :places] = self.keys[:, source, :, :places]

    def clear(self, slot: int, place: int | None = None) -> None:
        """-1 is what is not written; 0 is what is cleared."""
        self.cleared.append((slot, place))
        self.keys[0, slot, 0, slice(None) if place is None else place] = 0.0

    @contextmanager
    def step(self, state: Tensor, draws: Tensor, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        self.calls.append((len(state), len(rows)))
        lines = torch.arange(len(state))
        self.keys[0, lines, 0, state[:, 2], 0] = draws.float()
        for line, place in enumerate(state[:, 2].tolist()):
            if draws[line]:
                written = self.keys[0, line, 0, : place + 1, 0]
                assert (written >= 0).all(), "a place was lost"
                assert place < len(rows), "not all places are looked at"
        chosen = draws.clone()
        logits = torch.nn.functional.one_hot(chosen.clamp(max=END), END + 1).float()
        yield torch.stack((chosen, state[:, 1] + 1, state[:, 2] + 1), 1), logits


def made(model: Scripted, batches: tuple[int, ...] = (1, 2, 4), **more: Any) -> Batch:
    return Batch(model, model.step, batches=batches, spans=(8, 16, 64), **more)  # type: ignore[arg-type]


def seat(*codes: int, ids: int = 3, heard: int = 2, guard: int = 0) -> BatchedLine:
    """A line that says these codes, each being its random number."""
    return BatchedLine([5] * ids, [0] * ids, [9] * heard, np.array(codes, np.int64), guard)


def run(slots: Batch, most: int = 100) -> None:
    for _ in range(most):
        if not slots.taken:
            return
        slots.advance()
    raise AssertionError("it never ended")


@pytest.mark.parametrize("ahead", [False, True])
def test_a_line_ends_at_its_end_or_at_its_limit(ahead: bool) -> None:
    slots = made(Scripted(), ahead=ahead)
    said, limited = seat(4, 5, END, 6), seat(4, 5, 6)
    assert slots.enter(said) and slots.enter(limited)
    run(slots)
    assert (said.codes, said.ending) == ([4, 5], "said")
    assert (limited.codes, limited.ending) == ([4, 5, 6], "limit")


def test_a_guard_ends_what_repeats_itself() -> None:
    slots = made(Scripted())
    stuck, lively = seat(1, 7, 7, 7, 7, 2, guard=3), seat(7, 7, 1, 7, 7, 1, guard=3)
    slots.enter(stuck)
    slots.enter(lively)
    run(slots)
    assert (stuck.codes, stuck.ending) == ([1, 7, 7, 7], "stuck")
    assert lively.ending == "limit"


def test_lines_that_move_take_all_their_places_along() -> None:
    model = Scripted()
    slots = made(model)
    lines = [seat(*range(1, 4 + 3 * number)) for number in range(4)]
    for line in lines:
        assert slots.enter(line)
    assert not slots.enter(seat(1))
    run(slots)
    for number, line in enumerate(lines):
        assert line.codes == list(range(1, 4 + 3 * number))
    counts = [lines for lines, _ in model.calls]
    assert counts == sorted(counts, reverse=True) and set(counts) == {4, 2, 1}


def test_a_line_that_comes_later_starts_beside_the_others() -> None:
    slots = made(Scripted())
    first, second = seat(1, 2, 3, 4, 5, 6), seat(8, 9)
    slots.enter(first)
    slots.advance()
    slots.enter(second)
    run(slots)
    assert first.codes == [1, 2, 3, 4, 5, 6] and second.codes == [8, 9]


def test_only_as_many_places_are_looked_at_as_are_needed() -> None:
    model = Scripted()
    slots = made(model)
    slots.enter(seat(*range(1, 30), ids=3, heard=2))
    run(slots)
    assert [rows for _, rows in model.calls] == [8] * 3 + [16] * 8 + [64] * 18


def test_one_batch_size_is_kept_when_only_one_is_given() -> None:
    model = Scripted()
    slots = made(model, batches=(4,))
    slots.enter(seat(1, 2))
    run(slots)
    assert [lines for lines, _ in model.calls] == [4, 4]


def test_who_leaves_frees_a_slot_and_stays_as_it_was() -> None:
    slots = made(Scripted(), batches=(1, 2))
    gone, stays, waits = seat(1, 2, 3), seat(4, 5, 6), seat(7, 8)
    left = False
    gone.left = lambda: left
    slots.enter(gone)
    slots.enter(stays)
    slots.advance()
    left = True
    slots.advance()
    assert (gone.codes, gone.ending) == ([1], "left")
    assert slots.enter(waits)
    slots.leave(gone)  # again: nothing happens
    run(slots)
    assert stays.codes == [4, 5, 6] and waits.codes == [7, 8]


def test_a_line_without_a_prompt_begins_at_the_beginning() -> None:
    assert seat(ids=3, heard=0).row == (BEGIN, 0, 3)
    assert seat(ids=3, heard=2).row == (9, 2, 5)


def test_likelihoods_are_summed_when_somebody_compares() -> None:
    slots = made(Scripted(), scored=True)
    line = seat(1, 2)
    slots.enter(line)
    run(slots)
    each = float(torch.nn.functional.one_hot(torch.tensor(0), END + 1).float().log_softmax(-1)[0])
    assert abs(line.likelihood - 2 * each) < 1e-4


def test_a_line_ends_by_itself_when_its_slot_is_full() -> None:
    """The last place is for one code too many."""
    for ahead in (False, True):
        slots = made(Scripted(places=16), batches=(1, 2), ahead=ahead)
        slots._room = 16
        long, other = seat(*range(1, 30), ids=3, heard=2), seat(*range(1, 13), ids=1, heard=0)
        slots.enter(long)
        slots.enter(other)
        run(slots)
        assert (long.codes, long.ending) == (list(range(1, 11)), "limit")
        assert other.codes == list(range(1, 13))
        never = seat(1, ids=20, heard=0)
        assert slots.enter(never) and never.ending == "limit" and not slots.taken


@pytest.mark.parametrize("ahead", [False, True])
def test_what_is_no_code_ends_its_line_and_is_cleared_away(ahead: bool) -> None:
    model = Scripted()
    slots = made(model, ahead=ahead)
    broken, other = seat(4, BEGIN, 6), seat(1, 2, 3, 4)
    slots.enter(broken)
    slots.enter(other)
    run(slots)
    assert (broken.codes, broken.ending) == ([4], "broken")
    assert (0, None) in model.cleared and other.codes == [1, 2, 3, 4]


def test_a_step_ahead_is_queued_before_codes_are_read() -> None:
    model = Scripted()
    slots = made(model, ahead=True)
    line = seat(1, 2, END, 4, 5)
    slots.enter(line)
    counts = []
    while slots.taken:
        slots.advance()
        counts.append((len(model.calls), len(line.codes)))
    # One step more than were read, of which the last is nobody's.
    assert counts == [(2, 1), (3, 2), (4, 2)] and line.ending == "said"


def test_no_step_ahead_is_queued_when_all_lines_are_at_their_limit() -> None:
    model = Scripted()
    slots = made(model, ahead=True)
    slots.enter(seat(1, 2, 3))
    run(slots)
    assert len(model.calls) == 3


class Chance:
    """Lines that come, go, end and are given up, all by one seed."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.lines, self.comes, self.goes = [], [], []
        for _ in range(12):
            codes = random.integers(1, 9, random.integers(1, 30)).tolist()
            if random.random() < 0.4:
                codes[random.integers(len(codes))] = END
            elif random.random() < 0.2:
                codes[random.integers(len(codes))] = BEGIN
            line = seat(
                *codes, ids=int(random.integers(1, 5)), guard=4 * int(random.random() < 0.5)
            )
            self.lines.append(line)
            self.comes.append(int(random.integers(0, 30)))
            self.goes.append(int(random.integers(5, 25)) if random.random() < 0.3 else 1_000)

    def run(self, ahead: bool) -> list[tuple[list[int], str | None]]:
        slots = made(Scripted(), ahead=ahead)
        waiting = sorted(range(12), key=lambda number: self.comes[number])
        turn = 0
        while waiting or slots.taken:
            while (
                waiting and self.comes[waiting[0]] <= turn and slots.enter(self.lines[waiting[0]])
            ):
                number = waiting.pop(0)
                line = self.lines[number]
                line.left = lambda line=line, number=number: len(line.codes) >= self.goes[number]
            slots.advance()
            turn += 1
        return [(line.codes, line.ending) for line in self.lines]


@pytest.mark.parametrize("number", range(20))
def test_a_step_ahead_changes_no_line(number: int) -> None:
    plain, ahead = Chance(number).run(False), Chance(number).run(True)
    assert plain == ahead
    assert {"said", "limit"} & {ending for _, ending in plain}


def test_a_likelihood_is_that_among_what_was_chosen_from() -> None:
    model = Scripted()
    model.sampling = Sampling(temperature=0.5, top_k=1)
    slots = made(model, scored=True)
    line = seat(1, 2, END, 3)
    slots.enter(line)
    run(slots)
    assert line.ending == "said" and line.likelihood == 0.0  # of one code that one is sure
    model.sampling = Sampling(temperature=0.5)
    slots.enter(line := seat(1))
    run(slots)
    logits = 2 * torch.nn.functional.one_hot(torch.tensor(1), END + 1).float()
    assert abs(line.likelihood - float(logits.log_softmax(-1)[1])) < 1e-5
