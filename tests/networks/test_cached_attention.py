"""Kernels attend as torch does, each line up to its place; kernels that fail are not used."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from realtime.acceleration.kernel_check import LARGEST_ERROR
from realtime.engines.valle.networks.autoregressive import AutoregressiveModel
from realtime.networks import cached_attention
from realtime.networks.cached_attention import (
    CachedAttention,
    choose_attention,
    load_kernels,
    masked_attention,
    trial_error,
)
from tests.support.triton_interpreter import run_interpreted
from tests.support.valle_cases import small_network

DTYPES = [torch.float32, torch.float16, torch.bfloat16]

INTERPRETED = """
import torch
from realtime.networks import cached_attention_triton
from realtime.networks.cached_attention import trial_error
from realtime.acceleration.kernel_check import LARGEST_ERROR

def attention(q, keys, values, places, rows):
    return cached_attention_triton.launch_kernels(lambda kernel: kernel, q, keys, values, places)

for dtype, most in LARGEST_ERROR.items():
    for heads, size in ((1, 16), (4, 64)):
        error = trial_error(attention, torch.device("cpu"), dtype, heads, size)
        assert error <= most, (dtype, heads, size, error)
"""


@pytest.mark.slow
def test_interpreted_kernels_attend_as_torch_does() -> None:
    run_interpreted(INTERPRETED)


def line_by_line(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, _: Tensor) -> Tensor:
    """Attend to each line alone, so that nothing beyond its place is read."""
    return torch.cat(
        [
            masked_attention(
                q[line : line + 1],
                keys[line : line + 1, :, : place + 1],
                values[line : line + 1, :, : place + 1],
                places[line : line + 1],
                torch.arange(place + 1),
            )
            for line, place in enumerate(places.tolist())
        ]
    )


def one_place_more(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    return line_by_line(q, keys, values, (places + 1).clamp(max=len(rows) - 1), rows)


def one_place_less(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    return line_by_line(q, keys, values, (places - 1).clamp(min=0), rows)


def of_other_lines(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    return line_by_line(q, keys, values, places, rows).roll(1, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_trial_sees_every_mistake(dtype: torch.dtype) -> None:
    here = torch.device("cpu")
    assert trial_error(line_by_line, here, dtype, 4, 16) <= LARGEST_ERROR[dtype]
    # Masked attention is among them: it reads beyond a line's place, though with weight 0.
    for wrong in (one_place_more, one_place_less, of_other_lines, masked_attention):
        assert trial_error(wrong, here, dtype, 4, 16) > LARGEST_ERROR[dtype], wrong.__name__


def test_without_a_gpu_torch_attends() -> None:
    assert choose_attention(torch.device("cpu"), torch.float32, 4, 16) is masked_attention


class PretendedGpu:
    """A device that says it is a GPU."""

    type = "cuda"


@pytest.mark.parametrize("wrong", [one_place_more, None])
def test_kernels_that_err_or_cannot_run_give_way(
    wrong: CachedAttention | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load() -> CachedAttention:
        if wrong is None:
            raise RuntimeError("no compiler here\nand more")
        return wrong

    def try_here(attention: CachedAttention, device: object, *others: object) -> float:
        return trial_error(attention, torch.device("cpu"), torch.float32, 4, 16)

    gpu: Any = PretendedGpu()
    monkeypatch.setattr(cached_attention, "load_kernels", load)
    monkeypatch.setattr(cached_attention, "trial_error", try_here)
    assert choose_attention(gpu, torch.float32, 4, 16) is masked_attention
    assert ("they err by" if wrong else "no compiler here") in caplog.text
    monkeypatch.setattr(cached_attention, "load_kernels", lambda: line_by_line)
    assert choose_attention(gpu, torch.float32, 4, 16) is line_by_line


def test_a_step_uses_the_attention_it_is_given() -> None:
    network = small_network()
    plain = AutoregressiveModel(network, slots=4, places=128)
    other = AutoregressiveModel(network, slots=4, places=128, attention=line_by_line)
    for case in plain.cases((4, 128)):
        plain.rehearse(*case)
        other.rehearse(*case)
        plain_state, plain_logits = plain(*case)
        other_state, other_logits = other(*case)
        torch.testing.assert_close(other_logits, plain_logits, atol=1e-4, rtol=1e-4)
        assert torch.equal(other_state, plain_state)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_kernels_on_a_gpu(dtype: torch.dtype) -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    assert trial_error(load_kernels(), device, dtype, 16, 64) <= LARGEST_ERROR[dtype]
    assert choose_attention(device, dtype, 16, 64) is load_kernels()


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_a_compiled_step_with_kernels_copies_no_cache() -> None:
    """The memory that a step takes for itself is far less than a layer's cache."""
    model = AutoregressiveModel(
        small_network(), slots=4, places=2048, attention=load_kernels()
    ).cuda()
    compiled = torch.compile(model, dynamic=False)
    case = tuple(item.cuda() for item in model.cases((4, 2048))[0])
    with torch.no_grad():
        compiled(*case)
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        compiled(*case)
        torch.cuda.synchronize()
    cache = model.caches[0]
    assert torch.cuda.max_memory_allocated() - before < cache.numel() * cache.element_size() // 2
