"""Slots of a cache: they move, they are cleared, and a trial would show a read beyond a place."""

from __future__ import annotations

import torch

from realtime.networks.cached_attention import masked_attention
from realtime.networks.slot_cache import POISON, SlotCache, trial_places


def make_cache() -> SlotCache:
    cache = SlotCache(2, 1, 4, slots=3, places=8, attention=masked_attention)
    cache.fill_for_trial(torch.tensor([2, 5, 7]))
    return cache


def test_a_slot_moves_with_the_places_that_it_has() -> None:
    cache = make_cache()
    before = [each.clone() for each in cache.caches]
    cache.move(2, 0, 4)
    for now, old in zip(cache.caches, before, strict=True):
        assert torch.equal(now[0, :, :4], old[2, :, :4]) and torch.equal(
            now[0, :, 4:], old[0, :, 4:]
        )


def test_a_place_or_a_whole_slot_is_cleared() -> None:
    cache = make_cache()
    cache.clear(1, 3)
    cache.clear(2)
    for each in cache.caches:
        assert not each[1, :, 3].any() and each[1, :, 2].all() and not each[2].any()


def test_what_lies_beyond_a_place_shows_where_it_is_read() -> None:
    cache = make_cache()
    assert all(
        (each[0, :, 3:] == POISON).all() and each[0, :, :3].abs().max() < 20
        for each in cache.caches
    )


def test_a_step_attends_to_what_it_wrote_and_to_nothing_beyond() -> None:
    cache = make_cache()
    places, rows = torch.tensor([2, 5]), torch.arange(8)
    q, k, v = torch.randn(3, 2, 1, 1, 4)
    output = cache.attend_step(0, places, rows)(q, k, v)
    keys, values = cache.caches[:2]
    assert torch.equal(keys[0, :, 2], k[0, :, 0]) and torch.equal(values[1, :, 5], v[1, :, 0])
    weights = (q[0, 0] @ keys[0, 0, :3].T / 2).softmax(-1)
    torch.testing.assert_close(output[0, 0], weights @ values[0, 0, :3])


def test_a_trial_has_lines_at_the_beginning_and_at_the_end() -> None:
    seen = torch.stack([trial_places(3, 16, case) for case in range(3)])
    assert seen.T.sort().values.tolist() == [[1, 8, 15], [2, 9, 14], [3, 10, 13]]
