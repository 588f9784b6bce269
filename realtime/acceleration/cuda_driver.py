"""The CUDA devices that torch will find, without importing torch: that takes seconds.

The device is part of every recording's key, so it is needed before the engine is loaded, and the
answer should be the one that torch gives later.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import re
import threading
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

LIBRARY = "libcuda.so.1"
MOST_SECONDS = 10.0  # a driver whose device hangs does not answer at all
_CUDA_LINE = re.compile(r"^cuda\b[^=]*= *'(\d+\.\d+)'", re.MULTILINE)  # of torch/version.py


@cache
def has_usable_gpu() -> bool:
    """Return whether there is a device whose driver is new enough for this torch; ask once."""
    wanted = torch_cuda_version()
    return wanted is not None and bool(answer_in_time(lambda: driver_cuda_version() >= wanted))


def has_cuda_device() -> bool:
    """Return whether the driver has a device, for libraries that bring a CUDA of their own."""
    return bool(answer_in_time(lambda: driver_cuda_version() > 0))


def torch_cuda_version() -> int | None:
    """Return the major CUDA version that torch was built for; None where it was built for none."""
    version = torch_cuda()
    return None if version is None else int(version.partition(".")[0])


def torch_cuda() -> str | None:
    """Return the CUDA version that torch was built for, such as "13.0"."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.origin:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    version = _CUDA_LINE.search(text)
    return version[1] if version else None


def driver_cuda_version() -> int:
    """Return the major CUDA version of the driver; 0 where it has no device that it can use."""
    driver, version = _driver_with_devices(), ctypes.c_int()
    if driver is None or driver.cuDriverGetVersion(ctypes.byref(version)):
        return 0
    return version.value // 1000  # 12040 is 12.4


def device_uuids() -> list[str]:
    """List the devices that CUDA gives this process, in its order, as NVML names them.

    No device is opened for that, which would take hundreds of megabytes of its memory.
    """
    driver, count = _driver_with_devices(), ctypes.c_int()
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    return [_uuid(driver, number) for number in range(count.value)]


def _driver_with_devices() -> Any:
    """Open the driver; None where there is none, or where it has no device."""
    try:
        driver, count = ctypes.CDLL(LIBRARY), ctypes.c_int()
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except (OSError, AttributeError):  # no such library, or another one under its name
        return None
    return driver if not failed and count.value else None


def _uuid(driver: Any, number: int) -> str:
    device, found = ctypes.c_int(), (ctypes.c_ubyte * 16)()
    if driver.cuDeviceGet(ctypes.byref(device), number) or driver.cuDeviceGetUuid_v2(found, device):
        return ""  # an old driver: the device is there, and nothing more is known of it
    return f"GPU-{uuid.UUID(bytes=bytes(found))}"


def answer_in_time(ask: Callable[[], Answer], most_seconds: float = MOST_SECONDS) -> Answer | None:
    """Ask on a thread of its own; return None when no answer comes in time."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(most_seconds)
    if not answers:
        logger.warning("the CUDA driver does not answer: it is held to be absent")
        return None
    return answers[0]
