"""The tolerances of each precision, and the comparison of a plan's outputs with the truth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    from torch import Tensor

MAX_ERROR = 1e-4  # of fp32, for values up to 1; for larger ones relative to the largest
SNR_DB = {"fp16": 40.0, "bf16": 25.0}
LEAST_EQUAL = {"fp32": 1.0, "fp16": 0.99, "bf16": 0.97}  # share of whole numbers: choices
BLOCK = 1 << 18  # numbers that are judged at once


@dataclass(frozen=True)
class Verdict:
    """The comparison of the worst output, also in words."""

    right: bool
    words: str
    max_error: float | None = None


def judge(found: Tensors, exact: Tensors, precision: str) -> Verdict:
    """Compare outputs with the truth: return the first that is wrong, or else the worst of them."""
    if len(found) != len(exact):
        return Verdict(False, f"{len(found)} outputs instead of {len(exact)}")
    worst = Verdict(True, "equal")
    for number, (x, y) in enumerate(zip(found, exact, strict=True)):
        verdict = _judge_one(x, y, precision, f"output {number}")
        if not verdict.right:
            return verdict
        if (verdict.max_error or 0) >= (worst.max_error or 0):
            worst = verdict
    return worst


def _judge_one(x: Tensor, y: Tensor, precision: str, name: str) -> Verdict:
    if x.shape != y.shape:
        return Verdict(False, f"{name} has the shape {tuple(x.shape)}, not {tuple(y.shape)}")
    if not y.is_floating_point():
        return _judge_choices(x, y, precision, name)
    found = _sums(x, y)
    if found is None:
        return Verdict(False, f"{name} is not finite where it should be")
    if not found.count:
        return Verdict(True, f"{name} has no numbers")
    return _judge_numbers(found, precision, name)


def _judge_choices(x: Tensor, y: Tensor, precision: str, name: str) -> Verdict:
    """Compare whole numbers: in 16 bits a near tie may fall to the other side, now and then."""
    share = float((x == y).sum()) / y.numel() if y.numel() else 1.0
    right = share >= LEAST_EQUAL[precision]
    if share == 1.0:
        return Verdict(right, f"{name} is equal")
    return Verdict(right, f"{name} is equal in {100 * share:.1f} %")


def _judge_numbers(found: Sums, precision: str, name: str) -> Verdict:
    snr = None
    if found.noise > 0 and found.power > 0:
        snr = 10 * math.log10(found.power / found.noise)
    words = f"{name} has a largest error of {found.error:.3g}"
    if snr is not None:
        words += f" and {snr:.1f} dB"
    limit = MAX_ERROR * max(1.0, found.peak)
    if precision == "fp32":
        right = found.error <= limit
    else:
        right = snr >= SNR_DB[precision] if snr is not None else found.error <= limit
        loudness = abs(found.mean) + found.power**0.5
        limit = max(limit, 10 ** (-SNR_DB[precision] / 20) * loudness)
    if right and found.offset > limit:
        words = f"{name} is off by {found.offset:.3g} in the mean"
        return Verdict(False, words, found.error)
    return Verdict(right, words, found.error)


@dataclass(frozen=True)
class Sums:
    """Sums over two tensors: the size of the truth, and the error of the other.

    Means are taken out first: a large mean would make any noise beside it look small.
    """

    count: int
    mean: float  # of the truth
    offset: float  # of the other's mean from it
    peak: float  # of the truth without its mean
    power: float
    error: float  # the largest, both without their means
    noise: float  # the mean of its squares


def _sums(x: Tensor, y: Tensor) -> Sums | None:
    """Sum up the finite numbers; None where a number is finite in only one of the tensors.

    Works block by block: a cache is too large for a copy in fp64.
    """
    import torch

    x, y = x.detach().reshape(-1), y.detach().reshape(-1)
    totals = torch.zeros(4, dtype=torch.float64, device=y.device)
    for a, b in _blocks(x, y):
        finite = b.isfinite()
        wrong = (a.isfinite() != finite).sum()
        a, b = torch.where(finite, a, 0.0), torch.where(finite, b, 0.0)
        totals += torch.stack((a.sum(), b.sum(), finite.sum(), wrong))
    sum_x, sum_y, count, differing = totals.tolist()
    if differing:
        return None
    if not count:
        return Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    mean_x, mean_y = sum_x / count, sum_y / count
    largest = torch.zeros(2, dtype=torch.float64, device=y.device)
    squares = torch.zeros(2, dtype=torch.float64, device=y.device)
    for a, b in _blocks(x, y):
        finite = b.isfinite()
        b = torch.where(finite, b - mean_y, 0.0)
        error = torch.where(finite, a - mean_x, 0.0) - b
        rows = torch.stack((b, error))
        largest = torch.maximum(largest, rows.abs().amax(1))
        squares += rows.square().sum(1)
    (peak, error_peak), (power, noise) = largest.tolist(), (squares / count).tolist()
    return Sums(int(count), mean_y, abs(mean_x - mean_y), peak, power, error_peak, noise)


def _blocks(x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, y.numel(), BLOCK):
        yield x[start : start + BLOCK].double(), y[start : start + BLOCK].double()
