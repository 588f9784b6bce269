"""Rows of a state that a call changed are kept and compared, and no others."""

from __future__ import annotations

import torch

from realtime.acceleration.state_changes import find_changes, pair_with_truth


def test_rows_that_differ_are_kept() -> None:
    before = [torch.zeros(2, 3, 4), torch.zeros(5)]
    now = [before[0].clone(), before[1].clone()]
    now[0][1, 2, 0] = 7.0
    large, small = find_changes(before, now)
    assert large.rows.tolist() == [5] and large.values.tolist() == [[7, 0, 0, 0]]
    assert small.rows.tolist() == [0] if now[1].any() else not len(small.rows)


def test_what_either_changed_stands_beside_the_other() -> None:
    before = [torch.zeros(6, 2)]
    truth = find_changes(before, [before[0].index_fill(0, torch.tensor([1, 3]), 5.0)])
    now = [before[0].index_fill(0, torch.tensor([3, 4]), 5.0)]
    (found,), (exact,) = pair_with_truth(before, now, truth)
    assert found.tolist() == [[0, 0], [5, 5], [5, 5]]  # rows 1, 3 and 4
    assert exact.tolist() == [[5, 5], [5, 5], [0, 0]]


def test_what_is_no_number_is_a_change() -> None:
    before = [torch.zeros(3, 2)]
    now = [before[0].index_fill(0, torch.tensor(2), torch.nan)]
    (found,), (exact,) = pair_with_truth(before, now, find_changes(before, before))
    assert found.isnan().all() and not exact.any()


def test_the_truth_may_have_longer_floats() -> None:
    before = [torch.ones(3, 2, dtype=torch.bfloat16)]
    long = before[0].float()
    long[1] = 1.001
    truth = find_changes(before, [long])
    (found,), (exact,) = pair_with_truth(before, before, truth)
    assert found.dtype == exact.dtype == torch.float32
    assert exact.tolist() == [[torch.tensor(1.001).item()] * 2] and found.tolist() == [[1, 1]]
