"""Blocking work in a thread, so that it does not hold up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def run_in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread and return its result.

    When the caller is cancelled, this still waits for the thread: the caller may then close what
    the thread was using.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    finally:
        if not work.done():
            await asyncio.wait((work,))
