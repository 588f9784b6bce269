"""Every form of the activation is the published one, at every length, width and edge."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode

from realtime.vocoders.networks import fastest_snake
from realtime.vocoders.networks.fastest_snake import FastestSnake
from realtime.vocoders.networks.snake import Activation, ActivationFunction, published
from tests.support.triton_interpreter import run_interpreted

ROOT = Path(__file__).resolve().parents[3]


def sums(x: Tensor, *others: Tensor) -> Tensor:
    up, down, inner, outer = others
    rows = fastest_snake.summed(x.squeeze(2).transpose(1, 2), up, down, inner, outer)
    return rows.transpose(1, 2).unsqueeze(2)


def activation(channels: int) -> Activation:
    made = Activation(channels)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in (made.act.alpha, made.act.beta):
            weight.copy_(torch.randn(channels, generator=generator) * 0.5)
        # Taps that differ and are not symmetric: a filter that is turned round would show.
        made.upsample.filter += torch.randn(12, generator=generator) * 0.05
        made.downsample.lowpass.filter += torch.randn(12, generator=generator) * 0.05
    made.precompute_scales()
    return made


@pytest.mark.parametrize("form", [fastest_snake.depthwise, sums])
@pytest.mark.parametrize("length", [1, 2, 3, 5, 6, 7, 40])
@pytest.mark.parametrize("channels_last", [False, True])
def test_other_forms_are_the_published_one(
    form: ActivationFunction, length: int, channels_last: bool
) -> None:
    made = activation(5)
    x = torch.randn(2, 5, 1, length)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    expected = made(x)
    assert expected.shape == x.shape
    made.function = form
    assert (made(x) - expected).abs().max() < 1e-5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_compiled_form_is_the_published_one_for_every_length_and_batch() -> None:
    fastest = FastestSnake()
    with torch.inference_mode():
        for channels, length, batch in ((16, 50, 1), (24, 7, 3), (4, 9, 1)):
            made = activation(channels)
            x = torch.randn(batch, channels, 1, length)
            x = x.contiguous(memory_format=torch.channels_last)
            expected = made(x)
            made.function = fastest
            assert (made(x) - expected).abs().max() < 1e-5
    assert not fastest.reasons


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("no compiler here\nand more"), "RuntimeError: no compiler here"),
        (
            subprocess.CalledProcessError(1, ["cc"]),
            "CalledProcessError: Command '['cc']' returned non-zero exit status 1.",
        ),
        (Exception("of a kind of its own"), "Exception: of a kind of its own"),
        (AssertionError(), "AssertionError: no reason was given"),
    ],
)
def test_a_form_that_cannot_run_gives_way_once_and_says_why(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def broken(*given: Tensor) -> Tensor:
        tries.append(given)
        raise error

    monkeypatch.setattr(fastest_snake, "compiled", broken)
    fastest, made = FastestSnake(), activation(5)
    x = torch.randn(1, 5, 1, 20)
    expected = made(x)
    made.function = fastest
    for _ in range(2):
        assert (made(x) - expected).abs().max() < 1e-5
    assert fastest.reasons == {"compiled": reason}
    assert len(tries) == 1


@pytest.mark.parametrize("wrong", [1.001, float("nan")])
def test_a_form_that_errs_gives_way(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = fastest_snake.depthwise
    monkeypatch.setattr(fastest_snake, "compiled", lambda *given: wrong * right(*given))
    fastest, made = FastestSnake(), activation(5)
    x = torch.randn(1, 5, 1, 20)
    expected = made(x)
    made.function = fastest
    assert (made(x) - expected).abs().max() < 1e-5
    assert "errs by" in fastest.reasons["compiled"]


def test_a_form_is_proved_once_in_each_kind_of_number(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counted(*given: Tensor) -> Tensor:
        lengths.append(given[0].shape[-1])
        return fastest_snake.depthwise(*given)

    monkeypatch.setattr(fastest_snake, "compiled", counted)
    fastest, made = FastestSnake(), activation(5)
    made.function = fastest
    for x in (torch.randn(1, 5, 1, 20), torch.randn(1, 5, 1, 30)):
        made(x)
    made.to(torch.bfloat16)(torch.randn(1, 5, 1, 40, dtype=torch.bfloat16))
    assert lengths == [fastest_snake.CHECK_SAMPLES, 20, 30, fastest_snake.CHECK_SAMPLES, 40]
    assert not fastest.reasons


@pytest.mark.parametrize("form", [published, fastest_snake.depthwise, sums])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_shortened_activation_keeps_its_scales(
    form: ActivationFunction, kind: torch.dtype
) -> None:
    made = activation(5)
    with torch.no_grad():
        made.act.beta[0] = -12.0  # its outer scale is 160,000
        made.act.alpha[0] = 1.0
        made.precompute_scales()
    x = 1e-2 * torch.randn(1, 5, 1, 400)
    expected = made(x)
    made.function = form
    found = made.to(kind)(x.to(kind)).float()
    assert {item.dtype for item in made.state_dict().values()} == {torch.float32}
    assert made.inner is not None and made.inner.dtype == torch.float32
    noise = (found - expected).square().mean((0, 2, 3)) / expected.square().mean((0, 2, 3))
    assert found.isfinite().all()
    assert noise.sqrt().max() < {torch.float16: 5e-3, torch.bfloat16: 4e-2}[kind]


def test_too_little_memory_is_no_reason_to_give_a_form_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(fastest_snake, "compiled", full)
    fastest, made = FastestSnake(), activation(5)
    made.function = fastest
    with pytest.raises(torch.OutOfMemoryError):
        made(torch.randn(1, 5, 1, 20))
    assert not fastest.reasons


def test_exporters_get_plain_convolutions() -> None:
    made = activation(5)
    x = torch.randn(1, 5, 1, 20)
    expected = made(x)
    made.function = FastestSnake()
    program = torch.export.export(made.eval(), (x,))
    names = {str(node.target) for node in program.graph.nodes}
    assert any("conv2d" in name for name in names)
    assert (program.module()(x) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("lies", [torch.contiguous_format, torch.channels_last])
def test_compilers_may_leave_the_activation_as_it_is(lies: torch.memory_format) -> None:
    """Tested on a processor, where the operation is the same as on a GPU."""
    form, made = fastest_snake.register_operation(), activation(5)
    x = torch.randn(2, 5, 1, 20).contiguous(memory_format=lies)
    expected = made(x).detach()
    given = (made.upsample.filter, made.downsample.lowpass.filter, made.inner, made.outer)
    torch.library.opcheck(form, (x, *given), test_utils=("test_schema", "test_faketensor"))  # type: ignore[arg-type]
    made.function = form
    with torch.no_grad():
        found = made(x)
        compiled = torch.compile(made, backend="aot_eager", fullgraph=True)(x)
    assert found.stride() == compiled.stride() == x.stride()
    assert (found - expected).abs().max() < 1e-5
    assert torch.equal(compiled, found)


def traced(device: str) -> Counter[str]:
    """Count what a compiler is given of an activation on a device, which need not be here."""
    seen: Counter[str] = Counter()

    def backend(module: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        names = ("conv2d", "sin", "activation")
        targets = [str(node.target) for node in module.graph.nodes]
        seen.update(name for target in targets for name in names if name in target)
        return module

    torch.compiler.reset()
    with FakeTensorMode(), torch.no_grad(), torch.device(device):
        made = Activation(5)
        made.function = FastestSnake()
        made.precompute_scales()
        torch.compile(made, backend=backend, fullgraph=True)(torch.empty(2, 5, 1, 20))
    return seen


@pytest.mark.slow
def test_a_compiler_of_a_network_gets_sums_and_on_a_gpu_the_kernel() -> None:
    assert traced("cpu") == {"sin": 2}
    assert traced("cuda") == {"activation": 1}


KERNEL = """
import torch
from realtime.vocoders.networks.snake import published
from realtime.vocoders.networks.snake_triton import snake_on_gpu
from tests.vocoders.networks.test_fastest_snake import activation
for batch, channels, length in ((1, 3, 1), (2, 5, 7), (1, 17, 59), (1, 16, 60), (2, 24, 131)):
    made = activation(channels)
    for lies in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(batch, channels, 1, length).contiguous(memory_format=lies)
        made.function = published
        expected = made(x)
        made.function = snake_on_gpu
        found = made(x)
        assert found.is_contiguous(memory_format=lies)
        worst = (found - expected).abs().max().item()
        assert worst < 1e-5, (batch, channels, length, lies, worst)
"""


@pytest.mark.slow
def test_the_kernel_of_gpus_is_the_published_one_when_it_is_interpreted() -> None:
    run_interpreted(KERNEL)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("lies", [torch.contiguous_format, torch.channels_last])
def test_the_kernel_on_a_gpu(kind: torch.dtype, lies: torch.memory_format) -> None:
    made, fastest = activation(24).cuda(), FastestSnake()
    x = torch.randn(2, 24, 1, 1_000, device="cuda").contiguous(memory_format=lies)
    expected = made(x)
    made.function = fastest
    error = made.to(kind)(x.to(kind)).float() - expected
    noise = (error.square().mean() / expected.square().mean()).sqrt()
    assert noise < {torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}[kind]
    assert not fastest.reasons


@pytest.mark.gpu
def test_a_compiled_activation_on_a_gpu_is_the_kernel() -> None:
    made = activation(24).cuda()
    x = torch.randn(2, 24, 1, 1_000, device="cuda").contiguous(memory_format=torch.channels_last)
    expected = made(x)
    made.function = FastestSnake()
    with torch.no_grad():
        found = torch.compile(made, fullgraph=True)(x)
    assert (found - expected).abs().max() < 1e-5
    assert not fastest_snake._shared().reasons


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_kernel_runs_where_its_signal_lies() -> None:
    made, fastest = activation(24).to("cuda:1"), FastestSnake()
    x = torch.randn(2, 24, 1, 1_000, device="cuda:1")
    expected = made(x)
    made.function = fastest
    assert (made(x) - expected).abs().max() < 1e-5
    assert not fastest.reasons


def test_the_measure_is_the_default() -> None:
    assert Activation(3).function is published
