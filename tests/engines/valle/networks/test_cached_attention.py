"""Kernels hear what torch hears, each line up to its place; what cannot or errs gives way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from realtime.acceleration.kernel_check import LARGEST_ERROR
from realtime.engines.valle.networks import cached_attention
from realtime.engines.valle.networks.autoregressive import Coarse
from realtime.engines.valle.networks.cached_attention import (
    CachedAttention,
    kernels,
    masked,
    quickest,
    tried,
)
from tests.support.triton_interpreter import interpreted
from tests.support.valle_cases import small

ROOT = Path(__file__).resolve().parents[4]
KINDS = [torch.float32, torch.float16, torch.bfloat16]

INTERPRETED = """
import torch
from realtime.engines.valle.networks import cached_attention_triton
from realtime.engines.valle.networks.cached_attention import tried
from realtime.acceleration.kernel_check import LARGEST_ERROR

def heard(q, keys, values, places, rows):
    return cached_attention_triton.launched(lambda kernel: kernel, q, keys, values, places)

for kind, most in LARGEST_ERROR.items():
    for heads, size in ((1, 16), (4, 64)):
        share = tried(heard, torch.device("cpu"), kind, heads, size)
        assert share <= most, (kind, heads, size, share)
"""


def test_the_kernels_of_gpus_hear_what_torch_hears_when_they_are_interpreted() -> None:
    interpreted(INTERPRETED)


def line_by_line(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, _: Tensor) -> Tensor:
    """Nothing beyond a line's place is touched."""
    return torch.cat(
        [
            masked(q[n : n + 1], keys[n : n + 1, :, : p + 1], values[n : n + 1, :, : p + 1],
                   places[n : n + 1], torch.arange(p + 1))
            for n, p in enumerate(places.tolist())
        ]
    )  # fmt: skip


def beyond(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    return line_by_line(q, keys, values, (places + 1).clamp(max=len(rows) - 1), rows)


def without(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    return line_by_line(q, keys, values, (places - 1).clamp(min=0), rows)


def of_others(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    heard = line_by_line(q, keys, values, places, rows)
    return heard.roll(1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_proof_sees_every_mistake(kind: torch.dtype) -> None:
    here = torch.device("cpu")
    assert tried(line_by_line, here, kind, 4, 16) <= LARGEST_ERROR[kind]
    for wrong in (beyond, without, of_others, masked):  # what is masked is read nevertheless
        assert tried(wrong, here, kind, 4, 16) > LARGEST_ERROR[kind], wrong.__name__


def test_without_a_gpu_torch_attends() -> None:
    assert quickest(torch.device("cpu"), torch.float32, 4, 16) is masked


class Elsewhere:
    """A device that says it is a GPU, and is here."""

    type = "cuda"


@pytest.mark.parametrize("form", [beyond, None])
def test_kernels_that_err_or_cannot_run_give_way(
    form: CachedAttention | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def made() -> CachedAttention:
        if form is None:
            raise RuntimeError("no compiler here\nand more")
        return form

    def here(form: CachedAttention, device: object, *others: object) -> float:
        return tried(form, torch.device("cpu"), torch.float32, 4, 16)

    monkeypatch.setattr(cached_attention, "kernels", made)
    monkeypatch.setattr(cached_attention, "tried", here)
    found = quickest(Elsewhere(), torch.float32, 4, 16)  # type: ignore[arg-type]
    assert found is masked
    assert ("they err by" if form else "no compiler here") in caplog.text
    monkeypatch.setattr(cached_attention, "kernels", lambda: line_by_line)
    assert quickest(Elsewhere(), torch.float32, 4, 16) is line_by_line  # type: ignore[arg-type]


def test_a_step_hears_as_it_is_told() -> None:
    model = small()
    plain = Coarse(model, slots=4, places=128)
    other = Coarse(model, slots=4, places=128, heard=line_by_line)
    for case in plain.cases((4, 128)):
        plain.rehearse(*case)
        other.rehearse(*case)
        (state, logits), (found, heard) = plain(*case), other(*case)
        torch.testing.assert_close(heard, logits, atol=1e-4, rtol=1e-4)
        assert torch.equal(found, state)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_the_kernels_on_a_gpu(kind: torch.dtype) -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    assert tried(kernels(), device, kind, 16, 64) <= LARGEST_ERROR[kind]
    assert quickest(device, kind, 16, 64) is kernels()


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_a_compiled_step_with_kernels_copies_no_cache() -> None:
    """What the step takes for itself is far less than a layer's cache."""
    coarse = Coarse(small(), slots=4, places=2048, heard=kernels()).cuda()
    compiled = torch.compile(coarse, dynamic=False)
    case = tuple(item.cuda() for item in coarse.cases((4, 2048))[0])
    with torch.no_grad():
        compiled(*case)
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        compiled(*case)
        torch.cuda.synchronize()
    cache = coarse.caches[0]
    assert torch.cuda.max_memory_allocated() - held < cache.numel() * cache.element_size() // 2
