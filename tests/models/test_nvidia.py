"""The driver and its GPUs, read through real shared libraries with NVML's functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from realtime.models import nvidia
from realtime.models.nvidia import NvidiaDriver, NvidiaGpu, read_driver
from tests.support.fake_nvidia import build_driver


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, **given: Any) -> None:
    library = build_driver(folder, **given) / nvidia.LIBRARY
    monkeypatch.setattr(nvidia, "LIBRARY", str(library))


def test_the_driver_and_its_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, tmp_path, gpus=2, cuda=12_040, free=3 << 30, shared=1)
    assert read_driver() == NvidiaDriver(
        "580.65.06",
        "12.4",
        (NvidiaGpu("NVIDIA Bell 0", 16 << 30, 3 << 30), NvidiaGpu("NVIDIA Bell 1", None, None)),
    )


def test_a_driver_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, tmp_path, gpus=0)
    assert read_driver() == NvidiaDriver("580.65.06", "13.0", ())


def test_a_driver_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, tmp_path, fails=9)
    assert read_driver() is None


@pytest.mark.parametrize("library", ["no-such-library.so", "libc.so.6"])
def test_no_driver_at_all(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setattr(nvidia, "LIBRARY", library)
    assert read_driver() is None
