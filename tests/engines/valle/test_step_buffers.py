"""States stay where they are between steps, and what is read is what its own step gave."""

from __future__ import annotations

import torch

from realtime.engines.valle.step_buffers import StepBuffers


def test_what_a_step_gave_is_what_the_next_is_given() -> None:
    table = StepBuffers(4, torch.device("cpu"))
    table.put(0, (5, 6, 7))
    table.put(1, (8, 9, 10))
    state, draws = table.given(2, [11])
    assert state.tolist() == [[5, 6, 7], [8, 9, 10]] and draws.tolist() == [11, 0]
    table.keep(state + 1, None)
    table.move(1, 0)
    assert table.given(1, [1])[0].tolist() == [[9, 10, 11]]


def test_a_step_is_read_after_the_next_was_queued() -> None:
    table = StepBuffers(2, torch.device("cpu"))
    first = table.keep(table.given(1, [1])[0] + 3, None)
    table.keep(table.given(2, [2, 2])[0] + 4, None)
    assert first.read() == ([3], [])


def test_chances_are_of_the_code_that_was_chosen() -> None:
    table = StepBuffers(2, torch.device("cpu"))
    state, _ = table.given(2, [0, 0])
    logits = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    found = table.keep(state + torch.tensor([[1, 0, 0], [9, 0, 0]]), logits)
    codes, chances = found.read()
    assert codes == [1, 9]  # 9 is none there can be: its line ends, and nobody compares it
    assert abs(chances[0] - logits[0, 1]) < 1e-6
