"""Lines come and go, and each goes on as if it were alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from realtime.networks.coarse import Sampling
from realtime.valle.slots import BEGIN, END, Seat, Slots


class Scripted:
    """In place of a model: a line's cache is what it has heard, and its code counts from it."""

    sampling = Sampling()

    def __init__(self, slots: int = 8, places: int = 64) -> None:
        self.keys = torch.full((1, slots, 1, places, 1), -1.0)
        self.calls: list[tuple[int, int]] = []  # lines and places of each step

    def prefill(self, slot: int, text: Tensor, languages: Tensor, codes: Tensor) -> None:
        self.keys[:, slot] = -1.0
        self.keys[0, slot, 0, : len(text) + len(codes), 0] = 0.0

    def move(self, source: int, target: int, places: int) -> None:
        self.keys[:, target] = -1.0
        self.keys[:, target, :, :places] = self.keys[:, source, :, :places]

    def step(self, state: Tensor, draws: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        self.calls.append((len(state), len(rows)))
        lines = torch.arange(len(state))
        self.keys[0, lines, 0, state[:, 2], 0] = draws.float()
        for line, place in enumerate(state[:, 2].tolist()):
            if draws[line]:
                written = self.keys[0, line, 0, : place + 1, 0]
                assert (written >= 0).all(), "a place was lost"
                assert place < len(rows), "not all places are looked at"
        chosen = draws.clone()
        logits = torch.nn.functional.one_hot(chosen, END + 1).float()
        return torch.stack((chosen, state[:, 1] + 1, state[:, 2] + 1), 1), logits


def made(model: Scripted, batches: tuple[int, ...] = (1, 2, 4), **more: Any) -> Slots:
    return Slots(model, model.step, batches=batches, spans=(8, 16, 64), **more)  # type: ignore[arg-type]


def seat(*codes: int, ids: int = 3, heard: int = 2, guard: int = 0) -> Seat:
    """A line that says these codes, each being its random number."""
    return Seat([5] * ids, [0] * ids, [9] * heard, np.array(codes, np.int64), guard)


def run(slots: Slots, most: int = 100) -> None:
    for _ in range(most):
        if not slots.taken:
            return
        slots.advance()
    raise AssertionError("it never ended")


def test_a_line_ends_at_its_end_or_at_its_limit() -> None:
    slots = made(Scripted())
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
