"""Loads are measured on the device that they took memory of."""

from __future__ import annotations

import sys

import pytest

from realtime.models.load_memory import MemoryReading, read_memory_in_use

BEFORE = MemoryReading(100, {"cuda:0": (10, 20), "cuda:1": (0, 0)})


@pytest.mark.parametrize(
    ("after", "device", "taken"),
    [
        (MemoryReading(150, {"cuda:0": (10, 20)}), "cpu", 50),
        (MemoryReading(90, {}), "cpu", 0),
        (MemoryReading(150, {"cuda:0": (15, 60)}), "cuda:0", 40),
        # Memory that torch held already, and did not use, is taken all the same.
        (MemoryReading(150, {"cuda:0": (25, 20)}), "cuda:0", 15),
        (MemoryReading(150, {"cuda:0": (15, 60), "cuda:1": (7, 8)}), "cuda:1", 8),
        (MemoryReading(150, {"cuda:0": (5, 5)}), "cuda:0", 0),
        # Another library's memory of a GPU is not known: what is known is told.
        (MemoryReading(150, {}), "cuda:0", 50),
    ],
)
def test_the_growth_on_the_device_counts(after: MemoryReading, device: str, taken: int) -> None:
    assert after.taken_since(BEFORE, device) == taken


def test_before_torch_is_loaded_a_gpu_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    found = read_memory_in_use()
    assert found.devices == {} and found.resident > 1 << 20
    after = MemoryReading(found.resident, {"cuda:0": (5, 8)})
    assert after.taken_since(found, "cuda:0") == 8
