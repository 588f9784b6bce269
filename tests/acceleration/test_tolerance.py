"""Outputs that are near enough pass; those that are wrong in any way do not."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration import tolerance
from realtime.acceleration.tolerance import judge

SOUND = torch.sin(torch.arange(1_000) / 7) * 0.1
NOISE = torch.randn(1_000, generator=torch.Generator().manual_seed(1))


def noisy(decibels: float) -> torch.Tensor:
    power = SOUND.square().mean() / 10 ** (decibels / 10)
    return SOUND + NOISE / NOISE.square().mean().sqrt() * power.sqrt()


@pytest.mark.parametrize(
    ("precision", "decibels", "right"),
    [
        ("fp32", 80, True),
        ("fp32", 50, False),
        ("fp16", 41, True),
        ("fp16", 39, False),
        ("bf16", 26, True),
        ("bf16", 24, False),
    ],
)
def test_each_precision_has_its_tolerance(precision: str, decibels: float, right: bool) -> None:
    found = judge((noisy(decibels),), (SOUND,), precision)
    assert found.right == right
    snr = float(found.words.removesuffix(" dB").rpartition(" ")[2])
    assert snr == pytest.approx(decibels, abs=0.1)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize(
    ("found", "words"),
    [
        ((SOUND[:-1],), "shape"),
        ((SOUND, SOUND), "2 outputs instead of 1"),
        ((SOUND.index_fill(0, torch.tensor(3), torch.nan),), "not finite"),
        ((SOUND.index_fill(0, torch.tensor(3), torch.inf),), "not finite"),
        ((SOUND + 0.05,), "off by 0.05"),
        ((torch.zeros(1_000),), "largest error"),
    ],
)
def test_wrong_is_wrong_in_every_precision(
    found: tuple[torch.Tensor, ...], words: str, precision: str
) -> None:
    given = judge(found, (SOUND,), precision)
    assert not given.right and words in given.words


def test_whole_numbers_are_equal_or_not() -> None:
    exact, other = torch.tensor([1, 2]), torch.tensor([1, 3])
    assert judge((exact,), (exact,), "fp32").right
    assert not judge((other,), (exact,), "fp32").right


@pytest.mark.parametrize(("precision", "wrong"), [("fp32", 1), ("fp16", 2), ("bf16", 4)])
def test_choices_may_fall_to_the_other_side_now_and_then(precision: str, wrong: int) -> None:
    exact = torch.zeros(100, dtype=torch.long)
    few, many = exact.clone(), exact.clone()
    few[: wrong - 1], many[:wrong] = 1, 1
    assert judge((few,), (exact,), precision).right
    assert not judge((many,), (exact,), precision).right


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_large_tensors_are_judged_in_blocks(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    whole = judge((noisy(60),), (SOUND,), precision)
    monkeypatch.setattr(tolerance, "BLOCK", 64)
    parts = judge((noisy(60),), (SOUND,), precision)
    assert (parts.right, parts.words) == (whole.right, whole.words)
    spoiled = noisy(60).index_fill(0, torch.tensor(900), torch.nan)
    assert not judge((spoiled,), (SOUND,), precision).right


def test_silence_and_nothing_are_right() -> None:
    silence = torch.zeros(10)
    for precision in ("fp32", "fp16"):
        assert judge((silence,), (silence,), precision).right
        assert not judge((silence + NOISE[:10],), (silence,), precision).right
    assert judge((torch.zeros(0),), (torch.zeros(0),), "fp32").right
    lost = torch.full((3,), -torch.inf)
    assert judge((lost,), (lost,), "fp32").right  # as masks are
