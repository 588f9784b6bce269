"""Devices are told by CUDA's numbers, with what NVML and the system say of them."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from realtime.acceleration import cuda_driver
from realtime.models import device_readings
from realtime.models.device_readings import DeviceReader, ProcessorLoad
from realtime.models.nvidia import NvidiaDriver, NvidiaGpu
from tests.support.fake_devices import GIB

FIRST = NvidiaGpu("NVIDIA Bell", 16 * GIB, 12 * GIB, "GPU-1", 15, 41, 68.5)
SECOND = NvidiaGpu("NVIDIA Gong", 8 * GIB, 8 * GIB, "GPU-2", 0, 30, 10.0)


def use(
    monkeypatch: pytest.MonkeyPatch, uuids: list[str], driver: NvidiaDriver | None
) -> DeviceReader:
    reader = DeviceReader()
    monkeypatch.setattr(cuda_driver, "device_uuids", lambda: uuids)
    monkeypatch.setattr(reader._nvidia, "read", lambda: driver)
    return reader


def test_the_processor_is_always_there() -> None:
    reader = DeviceReader()
    processor = reader.read()[0]
    reader.close()
    assert processor.id == "cpu" and processor.name
    assert processor.total_bytes and processor.free_bytes is not None
    assert processor.used_bytes == processor.total_bytes - processor.free_bytes
    assert processor.percent is not None and 0 < processor.percent < 100


def test_gpus_have_cudas_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = NvidiaDriver("580.65.06", "13.0", (FIRST, SECOND))
    _, first, second = use(monkeypatch, ["GPU-2", "GPU-1"], driver).read()
    assert (first.id, first.name, first.utilization) == ("cuda:0", "NVIDIA Gong", 0)
    assert (second.id, second.name, second.driver) == ("cuda:1", "NVIDIA Bell", "580.65.06")
    assert (second.used_bytes, second.percent) == (4 * GIB, 25.0)
    assert (second.temperature_c, second.power_w) == (41, 68.5)


def test_a_gpu_that_is_hidden_from_cuda_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = NvidiaDriver("580.65.06", "13.0", (FIRST, SECOND))
    found = use(monkeypatch, ["GPU-1"], driver).read()
    assert [(device.id, device.name) for device in found[1:]] == [("cuda:0", "NVIDIA Bell")]


def test_without_nvml_torch_is_asked_if_it_uses_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = use(monkeypatch, ["GPU-1"], None)
    unknown = reader.read()[1]
    assert (unknown.id, unknown.total_bytes, unknown.used_bytes) == ("cuda:0", None, None)
    assert unknown.percent is None
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        mem_get_info=lambda number: (3 * GIB, 8 * GIB),
        get_device_properties=lambda number: SimpleNamespace(name="NVIDIA Bell"),
    )
    monkeypatch.setitem(device_readings.sys.modules, "torch", SimpleNamespace(cuda=cuda))
    known = reader.read()[1]
    assert (known.name, known.total_bytes, known.used_bytes) == ("NVIDIA Bell", 8 * GIB, 5 * GIB)
    assert known.driver is None


def test_memory_that_nvml_does_not_tell_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = NvidiaDriver("580.65.06", None, (NvidiaGpu("NVIDIA Bell", None, None, "GPU-1"),))
    device = use(monkeypatch, ["GPU-1"], driver).read()[1]
    assert (device.name, device.total_bytes, device.free_bytes) == ("NVIDIA Bell", None, None)


def test_a_driver_that_hangs_holds_up_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ended = 0, threading.Event()

    def hang() -> list[str]:
        nonlocal asked
        asked += 1
        ended.wait()
        return []

    reader = use(monkeypatch, [], None)
    monkeypatch.setattr(cuda_driver, "device_uuids", hang)
    answer_in_time = cuda_driver.answer_in_time
    monkeypatch.setattr(cuda_driver, "answer_in_time", lambda ask: answer_in_time(ask, 0.01))
    assert [device.id for device in reader.read()] == ["cpu"]
    assert [device.id for device in reader.read()] == ["cpu"]
    ended.set()
    assert asked == 1


def test_the_load_is_that_since_the_last_look(tmp_path: Path) -> None:
    times = tmp_path / "stat"
    times.write_text("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1 1 1\n")
    load = ProcessorLoad(times)
    times.write_text("cpu  130 0 60 850 60 0 0 0 0 0\n")
    assert load.percent() == 40.0
    assert load.percent() is None, "no time has passed"
    assert ProcessorLoad(tmp_path / "none").percent() is None
