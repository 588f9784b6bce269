"""A network's name changes with its weights, its shape and its code; a machine's with its parts."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

from realtime.acceleration.machine import (
    has_fast_bf16,
    machine_facts,
    network_digest,
    package_version,
    processor_name,
)
from tests.support.small_networks import Step, vocoder


class Twice(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


class Thrice(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 3 * x


def test_the_same_is_the_same() -> None:
    assert network_digest(vocoder()) == network_digest(vocoder())
    assert network_digest(Step()) == network_digest(Step())


def test_every_difference_is_one() -> None:
    changed = vocoder()
    with torch.no_grad():
        next(changed.parameters())[0, 0, 0] += 1e-6
    same_look = Thrice()
    same_look.__class__.__name__ = "Twice"
    names = [
        network_digest(each) for each in (vocoder(), changed, vocoder().half(), Step(), Twice())
    ]
    names.append(network_digest(same_look))
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
    before = network_digest(module)
    assert network_digest(module) == before
    (tmp_path / "kernel.py").write_text("def twice(x):\n    return x + x\n")
    assert network_digest(module) != before


NETWORK = """
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        from kernel import twice
        return twice(x)
"""


def test_a_machine_is_named_by_what_kernels_depend_on(tmp_path: Path) -> None:
    found = machine_facts(torch.device("cpu"))
    assert found["torch"] == str(torch.__version__) and set(found) >= {"processor", "threads"}
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor\t: 0\nmodel name\t: Some Chip @ 2.5GHz\nmodel name\t: Other\n")
    assert processor_name(listing) == "Some Chip @ 2.5GHz"
    assert processor_name(tmp_path / "none")


def test_versions_of_packages() -> None:
    assert package_version("torch") == str(torch.__version__).partition("+")[0]
    assert package_version("no-such-package-here") is None


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f avx512_bf16", True), ("amx_bf16", True), ("avx512f avx512_vnni", False)],
)
def test_instructions_for_bf16_are_found(flags: str, expected: bool, tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert has_fast_bf16(told) is expected


def test_a_system_that_tells_nothing_has_none(tmp_path: Path) -> None:
    assert not has_fast_bf16(tmp_path / "none")
