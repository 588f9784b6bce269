"""Waiting until something has happened, within bounds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], patience: float = 20.0) -> None:
    """Wait until a condition holds, and fail when it does not within `patience` seconds."""
    end = time.monotonic() + patience
    for _ in range(round(1000 * patience)):
        if condition():
            return
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.001)
