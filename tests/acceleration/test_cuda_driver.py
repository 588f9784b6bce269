"""The answer of the driver is the one that torch would give, without torch."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from realtime.acceleration import cuda_driver


class FakeDriver:
    """A CUDA driver with the answers that a test wants."""

    def __init__(self, init: int = 0, count: int = 1, version: int = 13_000, old: int = 0) -> None:
        self._init, self._count, self._version = init, count, version
        self._old = old  # the error of a function that the driver does not have

    def cuInit(self, flags: int) -> int:
        assert flags == 0
        return self._init

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = self._count
        return 0

    def cuDriverGetVersion(self, version: Any) -> int:
        version._obj.value = self._version
        return 0

    def cuDeviceGet(self, device: Any, number: int) -> int:
        device._obj.value = 10 + number
        return 0

    def cuDeviceGetUuid_v2(self, uuid: Any, device: Any) -> int:
        uuid[15] = device.value
        return self._old


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that installs a driver with the given answers."""

    def install_driver(**answers: int) -> None:
        monkeypatch.setattr("ctypes.CDLL", lambda name: FakeDriver(**answers))

    return install_driver


def test_it_says_what_torch_says() -> None:
    assert cuda_driver.has_usable_gpu() == torch.cuda.is_available()


def test_torch_says_what_it_was_built_for() -> None:
    version = torch.version.cuda
    expected = None if version is None else int(version.split(".")[0])
    assert cuda_driver.torch_cuda_version() == expected


def test_torch_s_whole_version() -> None:
    assert cuda_driver.torch_cuda() == torch.version.cuda


def test_a_driver_with_a_device(install: Callable[..., None]) -> None:
    install(version=12_040)
    assert cuda_driver.driver_cuda_version() == 12


def test_devices_are_told_in_cudas_order(install: Callable[..., None]) -> None:
    install(count=2)
    assert cuda_driver.device_uuids() == [
        "GPU-00000000-0000-0000-0000-00000000000a",
        "GPU-00000000-0000-0000-0000-00000000000b",
    ]
    install(count=2, old=1)
    assert cuda_driver.device_uuids() == ["", ""]


@pytest.mark.parametrize("answers", [{"init": 100}, {"init": 999}, {"count": 0}])
def test_a_driver_without_a_device_it_can_use(
    install: Callable[..., None], answers: dict[str, int]
) -> None:
    install(**answers)
    assert cuda_driver.driver_cuda_version() == 0
    assert cuda_driver.device_uuids() == []


@pytest.mark.parametrize("library", ["no-such-library.so", "libc.so.6"])
def test_no_driver_at_all(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setattr(cuda_driver, "LIBRARY", library)
    assert cuda_driver.driver_cuda_version() == 0


@pytest.mark.parametrize(("version", "enough"), [(12_090, False), (13_000, True), (14_000, True)])
def test_a_driver_must_be_new_enough(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, version: int, enough: bool
) -> None:
    install(version=version)
    monkeypatch.setattr(cuda_driver, "torch_cuda_version", lambda: 13)
    assert cuda_driver.has_usable_gpu.__wrapped__() is enough


def test_a_torch_without_cuda_asks_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_driver, "torch_cuda_version", lambda: None)
    monkeypatch.setattr(cuda_driver, "driver_cuda_version", None)
    assert cuda_driver.has_usable_gpu.__wrapped__() is False


def test_a_driver_that_hangs_is_not_waited_for() -> None:
    ended = threading.Event()
    assert cuda_driver.answer_in_time(ended.wait, most_seconds=0.01) is None
    ended.set()
    assert cuda_driver.answer_in_time(lambda: True) is True


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from realtime.acceleration import cuda_driver; cuda_driver.has_usable_gpu();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
