"""Polling: waiting in a test until a condition holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], patience: float = 20.0) -> None:
    """Wait until a condition holds, and fail when it does not within `patience` seconds."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.001)


def wait_until(condition: Callable[[], Any], patience: float = 60.0) -> None:
    """Wait on this thread until a condition holds; `until` is for coroutines."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.02)
