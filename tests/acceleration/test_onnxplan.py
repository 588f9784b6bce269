"""A network through ONNX Runtime gives what torch gives, for every length, from its file too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.acceleration import Policy
from tests.acceleration.small import mel, quick, quick_step, reasons, step_inputs, vocoder


def test_one_engine_runs_every_length_and_comes_back_from_its_file(tmp_path: Path) -> None:
    for from_file in (False, True):
        found = quick("onnx", policy=Policy(folder=tmp_path))
        for batch, frames in ((1, 10), (3, 20), (2, 15), (4, 11)):
            x = mel(frames, batch)
            with torch.no_grad():
                assert torch.allclose(found(x), vocoder()(x), atol=1e-5)
        told = found.described()
        assert told["hits"] == {"onnx": 4} and told["padding_share"] == 0
        assert told["plans"][0]["from_file"] is from_file


def test_what_onnx_cannot_do_runs_eager_and_says_so() -> None:
    stateful = quick_step("onnx")
    stateful(*step_inputs())
    assert "buffers of a network with state" in reasons(stateful)[0]
    short = quick("onnx", precision="bf16")
    short(mel())
    assert "16 bits for CPUs" in reasons(short)[0]
    assert stateful.mode == short.mode == "eager"


def test_a_network_that_cannot_be_exported_runs_eager() -> None:
    class Choosy(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            loud = x.sum(1, keepdim=True).repeat_interleave(2, -1)
            return loud if loud.mean().item() > 0 else -loud

    found = quick("onnx", module=Choosy())
    assert torch.equal(found(mel()), Choosy()(mel()))
    assert found.mode == "eager" and len(reasons(found)) == 1


@pytest.mark.parametrize("package", ["onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from realtime.acceleration import identity

    known = identity.version
    monkeypatch.setattr(identity, "version", lambda name: None if name == package else known(name))
    found = quick("onnx")
    assert (found.mode, reasons(found)) == ("eager", [f"{package} is not installed"])
