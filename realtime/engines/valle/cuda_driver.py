"""A test whether torch will find a CUDA device, without importing torch: that takes seconds.

The device is part of every recording's key, so it is needed before the engine is loaded, and the
answer should be the one that torch gives later.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import re
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

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
    try:
        driver = ctypes.CDLL(LIBRARY)
        count, version = ctypes.c_int(), ctypes.c_int()
        failed = (
            driver.cuInit(0)
            or driver.cuDeviceGetCount(ctypes.byref(count))
            or driver.cuDriverGetVersion(ctypes.byref(version))
        )
    except (OSError, AttributeError):  # no such library, or another one under its name
        return 0
    return 0 if failed or not count.value else version.value // 1000  # 12040 is 12.4


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
