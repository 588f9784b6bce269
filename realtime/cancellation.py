"""Work that is cancelled when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from realtime.errors import YamabikoError

logger = logging.getLogger(__name__)


async def run_unless(
    work: Coroutine[Any, Any, None], abandoned: Coroutine[Any, Any, object]
) -> bool:
    """Run some work, and cancel it when `abandoned` returns first; return whether it was done.

    The errors of work that was done are raised. It returns when both have ended.
    """
    working, waiting = asyncio.create_task(work), asyncio.create_task(abandoned)
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        done = working.done()
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
    if working.cancelled():
        return False
    error = working.exception()
    if done and error is not None:
        raise error
    if error is not None and not isinstance(error, YamabikoError):
        # Nobody waits for this work, so the log is the only place for its fault.
        logger.error("work broke while it was cancelled", exc_info=error)
    return done
