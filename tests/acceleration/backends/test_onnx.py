"""A network through ONNX Runtime gives what torch gives, for every length, from its file too."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.backends.onnx import CPU, CUDA, OnnxRuntime, OnnxSession
from realtime.acceleration.refusals import CannotRun
from tests.support.small_networks import (
    accelerate_step,
    accelerate_vocoder,
    fallback_reasons,
    mel,
    network_spec,
    step_inputs,
    vocoder,
)


@pytest.mark.slow
def test_one_engine_runs_every_length_and_comes_back_from_its_file(tmp_path: Path) -> None:
    for from_file in (False, True):
        found = accelerate_vocoder("onnx", policy=Policy(folder=tmp_path))
        for batch, frames in ((1, 10), (3, 20), (2, 15), (4, 11)):
            x = mel(frames, batch)
            with torch.no_grad():
                assert torch.allclose(found(x), vocoder()(x), atol=1e-5)
        report = found.described()
        assert report["hits"] == {"onnx": 4} and report["padding_share"] == 0
        assert report["plans"][0]["from_file"] is from_file


def test_what_onnx_cannot_do_runs_eager_and_says_so() -> None:
    stateful = accelerate_step("onnx")
    stateful(*step_inputs())
    assert "buffers of a network with state" in fallback_reasons(stateful)[0]
    short = accelerate_vocoder("onnx", precision="bf16")
    short(mel())
    assert "16 bits for CPUs" in fallback_reasons(short)[0]
    assert stateful.mode == short.mode == "eager"


def test_a_network_that_cannot_be_exported_runs_eager() -> None:
    class Choosy(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            loud = x.sum(1, keepdim=True).repeat_interleave(2, -1)
            return loud if loud.mean().item() > 0 else -loud

    found = accelerate_vocoder("onnx", module=Choosy())
    assert torch.equal(found(mel()), Choosy()(mel()))
    assert found.mode == "eager" and len(fallback_reasons(found)) == 1


@pytest.mark.parametrize("package", ["onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from realtime.acceleration import machine

    known = machine.package_version
    monkeypatch.setattr(
        machine, "package_version", lambda name: None if name == package else known(name)
    )
    found = accelerate_vocoder("onnx")
    assert (found.mode, fallback_reasons(found)) == ("eager", [f"{package} is not installed"])


class FakeBinding:
    """Doubles what is bound, in the memory that is bound for it."""

    def __init__(self) -> None:
        self.inputs: list[tuple[object, ...]] = []
        self.outputs: list[tuple[object, ...]] = []
        self.synchronised = False

    def bind_input(self, *arguments: object) -> None:
        self.inputs.append(arguments)

    def bind_output(self, *arguments: object) -> None:
        self.outputs.append(arguments)

    def get_outputs(self) -> list[object]:
        (_, _, _, _, shape, _) = self.inputs[0]
        return [SimpleNamespace(shape=lambda: list(shape))]  # type: ignore[call-overload]

    def synchronize_outputs(self) -> None:
        self.synchronised = True


class FakeSession:
    def __init__(self, providers: list[str]) -> None:
        self.providers = providers
        self.bindings: list[FakeBinding] = []

    def get_inputs(self) -> list[object]:
        return [SimpleNamespace(name="mel", type="tensor(float)")]

    def get_outputs(self) -> list[object]:
        return [SimpleNamespace(name="sound", type="tensor(float)")]

    def get_providers(self) -> list[str]:
        return self.providers

    def io_binding(self) -> FakeBinding:
        self.bindings.append(FakeBinding())
        return self.bindings[-1]

    def run_with_iobinding(self, binding: FakeBinding) -> None:
        assert binding.inputs and binding.outputs


def test_a_runtime_that_went_to_the_processor_instead_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ONNX Runtime runs on the processor, without an error, when a library of CUDA is missing."""
    providers_given: list[Any] = []

    def session(data: bytes, options: object, providers: list[object]) -> FakeSession:
        providers_given.extend(providers)
        return FakeSession([CPU])

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    spec = network_spec()
    spec.network.device = torch.device("cuda", 1)
    with pytest.raises(CannotRun, match="could not load its part for CUDA"):
        OnnxRuntime().load(spec, b"")
    name, chosen = providers_given[0]
    assert name == CUDA
    assert chosen == {"device_id": 1, "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}


def test_outputs_on_cuda_lie_in_memory_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SimpleNamespace(synchronize=lambda: None)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    fake = FakeSession([CUDA, CPU])
    run = OnnxSession(fake, cuda=True)
    x = mel()
    for _ in range(2):
        (found,) = run((x,))
        binding = fake.bindings[-1]
        assert binding.outputs == [
            ("sound", "cuda", 0, np.dtype("float32"), tuple(x.shape), found.data_ptr())
        ]
        assert binding.inputs[0][-1] == x.data_ptr() and binding.synchronised
    assert len(fake.bindings) == 3, "shapes are learned once"


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_on_a_gpu_it_gives_what_torch_gives_or_says_why_not() -> None:
    found = accelerate_vocoder("onnx", device="cuda")
    for batch, frames in ((1, 10), (3, 20), (1, 10)):
        x = mel(frames, batch)
        with torch.no_grad():
            assert torch.allclose(found(x).cpu(), vocoder()(x), atol=1e-4)
    assert found.described()["hits"] == {"onnx": 3} or "CUDA" in fallback_reasons(found)[0]
