"""Whether what a plan gave is right: the tolerances of each precision, and a judgement by them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    from torch import Tensor

MAX_ERROR = 1e-4  # of fp32, for values up to 1; for larger ones relative to the largest
SNR_DB = {"fp16": 40.0, "bf16": 25.0}


@dataclass(frozen=True)
class Verdict:
    """How the worst output did."""

    right: bool
    words: str
    snr_db: float | None = None
    max_error: float | None = None


def judge(found: Tensors, exact: Tensors, precision: str) -> Verdict:
    """The first output that is wrong, or how near all of them are."""
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
        # In 16 bits a near tie may fall to the other side.
        same = precision != "fp32" or bool((x == y).all())
        return Verdict(same, f"{name} is {'equal' if same else 'not equal'}")
    x, y = x.detach().double(), y.detach().double()
    finite = y.isfinite()
    if bool((x.isfinite() != finite).any()):
        return Verdict(False, f"{name} is not finite where it should be")
    x, y = x[finite], y[finite]
    if not x.numel():
        return Verdict(True, f"{name} has no numbers")
    return _judge_numbers(x, y, precision, name)


def _judge_numbers(x: Tensor, y: Tensor, precision: str, name: str) -> Verdict:
    mean = float(y.mean())
    offset = abs(float(x.mean()) - mean)
    y = y - mean
    error = x - x.mean() - y
    largest = float(error.abs().max())
    power, noise = float(y.square().mean()), float(error.square().mean())
    snr = 10 * math.log10(power / noise) if noise > 0 and power > 0 else None
    words = f"{name} has a largest error of {largest:.3g}"
    if snr is not None:
        words += f" and {snr:.1f} dB"
    limit = MAX_ERROR * max(1.0, float(y.abs().max()))
    if precision == "fp32":
        right = largest <= limit
    else:
        right = snr >= SNR_DB[precision] if snr is not None else largest <= limit
        limit = max(limit, 10 ** (-SNR_DB[precision] / 20) * (abs(mean) + power**0.5))
    if right and offset > limit:
        return Verdict(False, f"{name} is off by {offset:.3g} in the mean", snr, largest)
    return Verdict(right, words, snr, largest)
