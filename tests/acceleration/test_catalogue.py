"""Recordings are bounded in number and bytes; what cost and served least goes first."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration.catalogue import HALVED_EVERY, Catalogue
from realtime.acceleration.forms import CannotRun
from tests.acceleration.small import Tape


def tape(size: int = 10) -> Tape:
    return Tape(lambda inputs: inputs, (torch.zeros(1),), size)


def test_cost_times_use_decides_who_goes() -> None:
    held = Catalogue(most=2, most_bytes=1_000)
    cheap, dear, new = tape(), tape(), tape()
    held.add((1,), cheap, 1.0)
    held.add((2,), dear, 10.0)
    for _ in range(3):
        held.get((1,))  # worth 4 × 1 s, less than 1 × 10 s
    held.add((3,), new, 0.1)
    assert cheap.closed and not dear.closed and not new.closed
    assert held.get((1,)) is None and held.get((3,)) is new
    assert (held.captures, held.evictions, len(held)) == (3, 1, 2)


def test_bytes_are_bounded() -> None:
    held = Catalogue(most=10, most_bytes=25)
    tapes = [tape(), tape(), tape()]
    for number, each in enumerate(tapes):
        held.add((number,), each, 1.0)
    assert held.bytes == 20 and [each.closed for each in tapes].count(True) == 1
    large = tape(26)
    with pytest.raises(CannotRun, match="26 bytes, allowed are 25"):
        held.add((9,), large, 1.0)
    assert large.closed and held.bytes == 20


def test_old_uses_fade() -> None:
    held = Catalogue(most=2, most_bytes=1_000)
    old, young = tape(), tape()
    held.add((1,), old, 1.0)
    for _ in range(HALVED_EVERY // 2):
        held.get((1,))
    held.add((2,), young, 1.0)
    for _ in range(HALVED_EVERY // 2 + HALVED_EVERY):
        held.get((2,))
    held.add((3,), tape(), 1.0)
    assert old.closed and not young.closed


def test_a_place_is_for_who_is_used_more() -> None:
    held = Catalogue(most=1, most_bytes=1_000)
    assert held.has_place_for(0)
    held.add((1,), tape(), 1.0)
    held.get((1,))
    assert not held.has_place_for(2) and held.has_place_for(3)


def test_the_same_bucket_again_replaces_the_old() -> None:
    held = Catalogue(most=2, most_bytes=1_000)
    first, second = tape(), tape()
    held.add((1,), first, 1.0)
    held.add((1,), second, 1.0)
    assert first.closed and held.get((1,)) is second and len(held) == 1
    held.clear()
    assert second.closed and len(held) == 0
