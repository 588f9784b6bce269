"""Engines are built once; a file that is bad or for another machine is built again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.backends.built import Built, Engine
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.spec import NetworkSpec
from tests.support import small_networks
from tests.support.small_networks import accelerate_vocoder, fallback_reasons, mel


class Factory:
    """Builds engines that are a word, and loads only that word."""

    plan = "tensorrt"

    def __init__(self, driver: str = "580", word: bytes = b"engine") -> None:
        self.driver = driver
        self.word = word
        self.built = 0
        self.missing: str | None = None
        self.fault: Exception | None = None

    def check(self, spec: NetworkSpec) -> None:
        if self.missing is not None:
            raise CannotRun(self.missing)

    def facts(self, spec: NetworkSpec) -> dict[str, str]:
        return {"driver": self.driver}

    def build(self, spec: NetworkSpec) -> bytes:
        if self.fault is not None:
            raise self.fault
        self.built += 1
        return self.word

    def load(self, spec: NetworkSpec, data: bytes) -> Engine:
        if data != self.word:
            raise RuntimeError("the plan file does not match this runtime")
        return spec.network.run


def built(folder: Path, factory: Factory) -> Built:
    return Built(small_networks.network_spec(Policy(folder=folder)), factory)


def test_the_second_time_nothing_is_built(tmp_path: Path) -> None:
    factory = Factory()
    first, second = built(tmp_path, factory), built(tmp_path, factory)
    assert factory.built == 1
    assert first.described() == {"from_file": False, "notes": []}
    assert second.described() == {"from_file": True, "notes": []}
    assert torch.equal(first.run((1, 10), (mel(),))[0], second.run((1, 10), (mel(),))[0])


def test_a_bad_file_is_built_again(tmp_path: Path) -> None:
    factory = Factory()
    built(tmp_path, factory)
    (path,) = tmp_path.glob("*.engine")
    path.write_bytes(b"engime")
    again = built(tmp_path, factory)
    assert factory.built == 2
    assert again.described()["notes"] == [f"{path.name} is damaged; built again"]
    assert built(tmp_path, factory).described() == {"from_file": True, "notes": []}


def test_a_file_that_the_runtime_refuses_is_built_again(tmp_path: Path) -> None:
    built(tmp_path, Factory(word=b"engine of yesterday"))
    again = built(tmp_path, Factory())
    (note,) = again.described()["notes"]
    assert note == (
        "its file does not load (the plan file does not match this runtime); built again"
    )
    assert built(tmp_path, Factory()).described()["from_file"]


def test_a_changed_driver_means_another_engine(tmp_path: Path) -> None:
    built(tmp_path, Factory())
    changed = Factory(driver="590")
    (note,) = built(tmp_path, changed).described()["notes"]
    assert changed.built == 1 and "driver was 580" in note


def test_other_weights_mean_another_engine(tmp_path: Path) -> None:
    factory = Factory()
    built(tmp_path, factory)
    spec = small_networks.network_spec(Policy(folder=tmp_path))
    with torch.no_grad():
        next(spec.network.original.parameters()).mul_(1.5)
    assert not Built(spec, factory).described()["from_file"]
    assert factory.built == 2


@pytest.mark.parametrize(
    ("missing", "fault", "reason"),
    [
        ("torch-tensorrt is not installed", None, "torch-tensorrt is not installed"),
        (None, RuntimeError("no such layer"), "no such layer"),
        (None, torch.OutOfMemoryError("while building"), "out of memory: while building"),
    ],
)
def test_what_cannot_be_built_falls_back(
    missing: str | None, fault: Exception | None, reason: str
) -> None:
    factory = Factory()
    factory.missing, factory.fault = missing, fault
    makers = {
        "tensorrt": lambda spec: Built(spec, factory),
        "graphs": small_networks.failing_maker(CannotRun("no GPU")),
        "compile": small_networks.altered([]),
    }
    found = accelerate_vocoder("tensorrt", makers)
    found(mel())
    assert found.mode == "compile" and fallback_reasons(found)[0] == reason
