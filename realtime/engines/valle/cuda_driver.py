"""Whether torch will find a CUDA device, told without importing torch: that takes seconds.

It is asked before an engine is loaded, for the device is part of every recording's key; so what is
said here should be what torch says later.
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

logger = logging.getLogger(__name__)

LIBRARY = "libcuda.so.1"
MOST_SECONDS = 10.0  # a driver whose device hangs would be waited for without end
_BUILT_FOR = re.compile(r"^cuda\b[^=]*= *'(\d+)\.", re.MULTILINE)


@cache
def usable() -> bool:
    """Whether there is a device, with a driver that is new enough for this torch; asked once."""
    wanted = torch_cuda()
    return wanted is not None and answered(lambda: driver_cuda() >= wanted)


def torch_cuda() -> int | None:
    """The version of CUDA that torch was built for; None where it was built for none."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.origin:
        return None
    try:
        said = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    version = _BUILT_FOR.search(said)
    return int(version[1]) if version else None


def driver_cuda() -> int:
    """The version of CUDA that the driver can do; 0 where there is no device that it can use."""
    try:
        driver = ctypes.CDLL(LIBRARY)
        count, version = ctypes.c_int(), ctypes.c_int()
        failed = (
            driver.cuInit(0)
            or driver.cuDeviceGetCount(ctypes.byref(count))
            or driver.cuDriverGetVersion(ctypes.byref(version))
        )
    except (OSError, AttributeError):
        return 0
    return 0 if failed or not count.value else version.value // 1000


def answered(ask: Callable[[], bool], most_seconds: float = MOST_SECONDS) -> bool:
    """What is answered in time; no answer is no."""
    found: list[bool] = []
    asking = threading.Thread(target=lambda: found.append(ask()), daemon=True)
    asking.start()
    asking.join(most_seconds)
    if not found:
        logger.warning("the CUDA driver does not answer: it is held to be absent")
    return bool(found and found[0])
