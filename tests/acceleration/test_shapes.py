"""Lengths find their buckets, filling is cut off again, and what does not fit says why."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from realtime.acceleration.shapes import Axis, Fit, Misfit, Shapes
from realtime.errors import BadRequest
from tests.support.small_networks import BANDS, BATCHES, FRAMES, UP, mel

SHAPES = Shapes((mel(),), (BATCHES, FRAMES))


@pytest.mark.parametrize(
    ("batch", "frames", "bucket", "exact"),
    [(1, 10, (1, 10), True), (3, 20, (4, 20), True), (2, 15, (2, 20), False)],
)
def test_a_call_finds_the_next_bucket(
    batch: int, frames: int, bucket: tuple[int, int], exact: bool
) -> None:
    assert SHAPES.fit((mel(frames, batch),)) == Fit((batch, frames), bucket, exact)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((mel(9),), "no bucket holds a length of 9"),
        ((mel(21),), "no bucket holds a length of 21"),
        ((mel(10, 5),), "no bucket holds a length of 5"),
        ((mel().double(),), "torch.float64"),
        ((mel()[0],), "not (1, 4, 10)"),
        ((torch.zeros(1, BANDS + 1, 10),), "(1, 5, 10)"),
        ((mel(), mel()), "2 inputs came, 1 are expected"),
    ],
)
def test_what_fits_nowhere_says_why(inputs: tuple[torch.Tensor, ...], words: str) -> None:
    found = SHAPES.fit(inputs)
    assert isinstance(found, Misfit) and words in found.reason


@given(st.integers(1, 4), st.sampled_from((10, 20)))
def test_filling_is_cut_off_again(batch: int, frames: int) -> None:
    x = mel(frames, batch)
    fit = SHAPES.fit((x,))
    assert isinstance(fit, Fit)
    (filled,) = SHAPES.pad((x,), fit)
    assert filled.shape == (fit.bucket[0], BANDS, frames)
    assert torch.equal(filled[:batch], x) and not filled[batch:].any()
    (cut,) = SHAPES.cut((torch.zeros(fit.bucket[0], 1, UP * frames),), fit)
    assert cut.shape == (batch, 1, UP * frames)


def test_samples_have_the_sizes_of_a_bucket() -> None:
    assert [tuple(item.shape) for item in SHAPES.sample((mel(),), (4, 20))] == [(4, BANDS, 20)]
    assert SHAPES.buckets() == [(1, 10), (1, 20), (2, 10), (2, 20), (4, 10), (4, 20)]
    assert (SHAPES.example, SHAPES.smallest, SHAPES.largest) == ((1, 10), (1, 10), (4, 20))


def test_lengths_that_must_agree_do() -> None:
    both = Axis((4, 8), {0: 0, 1: 0})
    shapes = Shapes((torch.zeros(4), torch.zeros(4)), (both,))
    assert isinstance(shapes.fit((torch.zeros(8), torch.zeros(8))), Fit)
    found = shapes.fit((torch.zeros(8), torch.zeros(4)))
    assert isinstance(found, Misfit) and "disagree" in found.reason


@pytest.mark.parametrize("sizes", [(), (2, 1), (1, 1), (0, 1)])
def test_sizes_must_rise(sizes: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest, match="must rise"):
        Axis(sizes, {0: 0})


def test_axes_must_exist() -> None:
    with pytest.raises(BadRequest, match="no axis 3 of input 0"):
        Shapes((mel(),), (Axis((1,), {0: 3}),))
    with pytest.raises(BadRequest, match="at least one input"):
        Axis((1,), {})
