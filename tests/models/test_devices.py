"""The devices of this machine, and the reasons why CUDA does not work on it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch

from realtime import blocks
from realtime.acceleration import cuda_driver
from realtime.models import devices
from realtime.models.devices import find_cuda, find_processor
from realtime.models.nvidia import NvidiaDriver, NvidiaGpu
from tests.support.hidden_libraries import TORCH, hide

GPU = NvidiaGpu("NVIDIA Bell", 16 << 30, 8 << 30)
Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a driver, and says whether torch could use it."""

    def install_driver(driver: NvidiaDriver | None, usable: bool = False) -> None:
        monkeypatch.setattr(devices, "read_driver", lambda: driver)
        monkeypatch.setattr(cuda_driver, "has_usable_gpu", lambda: usable)
        monkeypatch.setattr(cuda_driver, "torch_cuda", lambda: "13.0")

    return install_driver


def test_the_processor_is_this_one() -> None:
    found = find_processor()
    assert found.cores == len(os.sched_getaffinity(0)) and found.name
    assert 0 < found.free_bytes <= found.total_bytes


def test_cuda_as_torch_says() -> None:
    found = find_cuda()
    assert found.available == torch.cuda.is_available()
    assert found.torch is not None and str(torch.__version__).startswith(found.torch)
    assert found.torch_cuda == torch.version.cuda
    assert found.available == (found.why is None) == (found.how is None)


def test_a_gpu_that_torch_can_use(install: Install) -> None:
    install(NvidiaDriver("580.65.06", "13.0", (GPU,)), usable=True)
    found = find_cuda()
    assert found.available and found.why is None
    assert (found.driver, found.driver_cuda, found.gpus) == ("580.65.06", "13.0", (GPU,))


@pytest.mark.parametrize(
    ("driver", "why", "how"),
    [
        (None, "no NVIDIA driver", "install NVIDIA's driver"),
        (NvidiaDriver("580.65.06", "13.0", ()), "finds no GPU", "nvidia-smi"),
        (NvidiaDriver("535.1", "12.2", (GPU,)), "CUDA 12.2 at most", "newer NVIDIA driver"),
        (NvidiaDriver("580.65.06", "13.0", (GPU,)), "use no GPU", "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_why_not(install: Install, driver: NvidiaDriver | None, why: str, how: str) -> None:
    install(driver)
    found = find_cuda()
    assert not found.available
    assert why in str(found.why) and how in str(found.how)


def test_a_gpu_without_torch_names_the_command(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(NvidiaDriver("580.65.06", "13.0", (GPU,)), usable=True)
    hide(monkeypatch, TORCH)
    found = find_cuda()
    assert (found.available, found.torch, found.torch_cuda) == (False, None, None)
    assert (found.why, found.how) == ("torch is not installed", "run `make serve EXTRAS=torch`")
    assert found.gpus == (GPU,)


def test_a_torch_without_cuda(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(NvidiaDriver("580.65.06", "13.0", (GPU,)))
    monkeypatch.setattr(cuda_driver, "torch_cuda", lambda: None)
    assert blocks.is_installed(blocks.TORCH)
    assert find_cuda().why == "this torch was built without CUDA"
