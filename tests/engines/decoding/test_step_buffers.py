"""States stay in their buffers between steps, and each step's own codes are read."""

from __future__ import annotations

import torch

from realtime.engines.decoding.step_buffers import StepBuffers


def test_the_outputs_of_a_step_are_the_inputs_of_the_next() -> None:
    buffers = StepBuffers(4, torch.device("cpu"))
    buffers.set_state(0, (5, 6, 7))
    buffers.set_state(1, (8, 9, 10))
    state, numbers = buffers.inputs(2, [11])
    assert state.tolist() == [[5, 6, 7], [8, 9, 10]] and numbers.tolist() == [11, 0]
    buffers.store(state + 1, None)
    buffers.move_state(1, 0)
    assert buffers.inputs(1, [1])[0].tolist() == [[9, 10, 11]]


def test_a_step_is_read_after_the_next_was_queued() -> None:
    buffers = StepBuffers(2, torch.device("cpu"))
    first = buffers.store(buffers.inputs(1, [1])[0] + 3, None)
    buffers.store(buffers.inputs(2, [2, 2])[0] + 4, None)
    assert first.read() == ([3], [])


def test_chances_are_of_the_code_that_was_chosen() -> None:
    buffers = StepBuffers(2, torch.device("cpu"))
    state, _ = buffers.inputs(2, [0, 0])
    logits = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    output = buffers.store(state + torch.tensor([[1, 0, 0], [9, 0, 0]]), logits)
    codes, chances = output.read()
    assert codes == [1, 9]  # 9 is invalid here: its line ends and is not compared
    assert abs(chances[0] - logits[0, 1]) < 1e-6
