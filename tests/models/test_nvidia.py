"""The driver and its GPUs, read through real shared libraries with NVML's functions."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pynvml
import pytest

from realtime.models.nvidia import NvidiaDriver, NvidiaGpu, NvidiaReader, read_driver
from tests.support.fake_nvidia import build_driver

LIBRARY = "libnvidia-ml.so.1"
UUID = "GPU-0000000{}-0000-0000-0000-000000000000"


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, **given: Any) -> None:
    library = build_driver(folder, **given) / LIBRARY
    install(monkeypatch, str(library))


def install(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Let NVML be another library, as if nothing had been asked before."""
    monkeypatch.setattr(pynvml, "CDLL", lambda name: ctypes.CDLL(library))
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})


def test_the_driver_and_its_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, tmp_path, gpus=2, cuda=12_040, free=3 << 30, shared=1)
    assert read_driver() == NvidiaDriver(
        "580.65.06",
        "12.4",
        (
            NvidiaGpu("NVIDIA Bell 0", 16 << 30, 3 << 30, UUID.format(0), 15, 41, 68.5),
            NvidiaGpu("NVIDIA Bell 1", None, None, UUID.format(1), None, 41, 68.5),
        ),
    )


def test_a_driver_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, tmp_path, gpus=0)
    assert read_driver() == NvidiaDriver("580.65.06", "13.0", ())


def test_a_driver_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, tmp_path, fails=9)
    assert read_driver() is None


@pytest.mark.parametrize("library", ["no-such-library.so", "libc.so.6"])
def test_no_driver_at_all(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    install(monkeypatch, library)
    assert read_driver() is None


def test_a_driver_that_comes_back_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = NvidiaReader()
    install(monkeypatch, "no-such-library.so")
    assert reader.read() is None
    use(monkeypatch, tmp_path)
    found = reader.read()
    assert found is not None and len(found.gpus) == 1
    reader.close()
    reader.close()
