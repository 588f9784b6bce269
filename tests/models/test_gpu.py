"""The GPU is found by torch if it is loaded already, else in the driver's list."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from realtime.models.gpu import Gpu, find_gpu


def test_the_driver_lists_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert find_gpu(tmp_path) is None
    assert find_gpu(tmp_path / "none") is None
    card = tmp_path / "0000:01:00.0"
    card.mkdir()
    (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t 16\n")
    assert find_gpu(tmp_path) == Gpu("NVIDIA H200", None)
    (card / "information").write_text("")
    assert find_gpu(tmp_path) == Gpu(None, None)


@pytest.mark.parametrize("available", [True, False])
def test_torch_is_asked_when_it_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, available: bool
) -> None:
    card = SimpleNamespace(name="NVIDIA H200", total_memory=139 * 2**30)
    cuda = SimpleNamespace(
        is_available=lambda: available, get_device_properties=lambda number: card
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert find_gpu(tmp_path) == (Gpu("NVIDIA H200", "139.00 GB") if available else None)


def test_asking_loads_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    find_gpu()
    assert "torch" not in sys.modules
