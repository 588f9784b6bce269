"""A kernel's error is told in parts of the signal, and NaN is never small."""

from __future__ import annotations

import torch

from realtime.acceleration.kernel_check import LARGEST_ERROR, relative_error


def test_it_is_a_part_of_the_signal_however_loud_that_is() -> None:
    exact = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    for loudness in (1e-3, 1.0, 1e3):
        assert abs(relative_error(1.01 * loudness * exact, loudness * exact) - 0.01) < 1e-6
    assert relative_error(exact, exact) == 0.0


def test_what_is_no_number_is_endlessly_far() -> None:
    exact = torch.ones(3)
    assert relative_error(torch.tensor([1.0, torch.nan, 1.0]), exact) == float("inf")


def test_rounding_to_each_kind_is_within_its_bound() -> None:
    exact = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    assert all(
        relative_error(exact.to(kind), exact) < most / 4 for kind, most in LARGEST_ERROR.items()
    )
