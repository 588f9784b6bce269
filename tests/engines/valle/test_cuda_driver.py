"""What torch would find is told without it, whatever the driver does."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from realtime.engines.valle import cuda_driver


class Library:
    """A driver that says what a test wants."""

    def __init__(self, init: int = 0, count: int = 1, version: int = 13_000) -> None:
        self._init, self._count, self._version = init, count, version

    def cuInit(self, flags: int) -> int:
        assert flags == 0
        return self._init

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = self._count
        return 0

    def cuDriverGetVersion(self, version: Any) -> int:
        version._obj.value = self._version
        return 0


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(**said: int) -> None:
        monkeypatch.setattr("ctypes.CDLL", lambda name: Library(**said))

    return put


def test_it_says_what_torch_says() -> None:
    assert cuda_driver.usable() == torch.cuda.is_available()


def test_torch_says_what_it_was_built_for() -> None:
    said = torch.version.cuda
    assert cuda_driver.torch_cuda() == (None if said is None else int(said.split(".")[0]))


def test_a_driver_with_a_device(found: Callable[..., None]) -> None:
    found(version=12_040)
    assert cuda_driver.driver_cuda() == 12


@pytest.mark.parametrize("made", [{"init": 100}, {"init": 999}, {"count": 0}])
def test_a_driver_without_a_device_it_can_use(
    found: Callable[..., None], made: dict[str, int]
) -> None:
    found(**made)
    assert cuda_driver.driver_cuda() == 0


@pytest.mark.parametrize("library", ["no-such-library.so", "libc.so.6"])
def test_no_driver_at_all(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setattr(cuda_driver, "LIBRARY", library)
    assert cuda_driver.driver_cuda() == 0


@pytest.mark.parametrize(("version", "enough"), [(12_090, False), (13_000, True), (14_000, True)])
def test_a_driver_must_be_new_enough(
    found: Callable[..., None], monkeypatch: pytest.MonkeyPatch, version: int, enough: bool
) -> None:
    found(version=version)
    monkeypatch.setattr(cuda_driver, "torch_cuda", lambda: 13)
    assert cuda_driver.usable.__wrapped__() is enough


def test_a_torch_without_cuda_asks_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_driver, "torch_cuda", lambda: None)
    monkeypatch.setattr(cuda_driver, "driver_cuda", None)
    assert cuda_driver.usable.__wrapped__() is False


def test_a_driver_that_hangs_is_not_waited_for() -> None:
    ended = threading.Event()
    assert cuda_driver.answered(ended.wait, most_seconds=0.01) is False
    ended.set()
    assert cuda_driver.answered(lambda: True) is True


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from realtime.engines.valle.cuda_driver import usable; usable();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
