"""A network's name changes with its weights, its shape and its code; a machine's with its parts."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

from realtime.acceleration.machine import digest, machine, processor, version
from tests.support.small_networks import Step, vocoder


class Twice(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


class Thrice(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 3 * x


def test_the_same_is_the_same() -> None:
    assert digest(vocoder()) == digest(vocoder())
    assert digest(Step()) == digest(Step())


def test_every_difference_is_one() -> None:
    changed = vocoder()
    with torch.no_grad():
        next(changed.parameters())[0, 0, 0] += 1e-6
    same_look = Thrice()
    same_look.__class__.__name__ = "Twice"
    names = [digest(each) for each in (vocoder(), changed, vocoder().half(), Step(), Twice())]
    names.append(digest(same_look))
    same_look.__class__.__name__ = "Thrice"
    assert len(set(names)) == len(names)


def test_code_that_a_network_only_calls_is_part_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel in another file was changed, and the engine of the old one was used."""
    (tmp_path / "kernel.py").write_text("def twice(x):\n    return 2 * x\n")
    (tmp_path / "net_of_a_test.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("net_of_a_test").Net()
    before = digest(module)
    assert digest(module) == before
    (tmp_path / "kernel.py").write_text("def twice(x):\n    return x + x\n")
    assert digest(module) != before


NETWORK = """
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        from kernel import twice
        return twice(x)
"""


def test_a_machine_is_named_by_what_kernels_depend_on(tmp_path: Path) -> None:
    found = machine(torch.device("cpu"))
    assert found["torch"] == str(torch.__version__) and set(found) >= {"processor", "threads"}
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor\t: 0\nmodel name\t: Some Chip @ 2.5GHz\nmodel name\t: Other\n")
    assert processor(listing) == "Some Chip @ 2.5GHz"
    assert processor(tmp_path / "none")


def test_versions_of_packages() -> None:
    assert version("torch") == str(torch.__version__).partition("+")[0]
    assert version("no-such-package-here") is None
