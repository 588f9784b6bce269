"""How a recording comes to be, as far as no index and no disk is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from realtime.cache.address import Address
from realtime.cache.disk import PartFile
from realtime.cache.growing import GrowingRecording
from realtime.cache.recording import FinishedRecording
from realtime.cache.sidecar import FileFacts, Sidecar
from realtime.errors import Busy

Source = GrowingRecording | FinishedRecording
G = TypeVar("G", bound=GrowingRecording)


@dataclass(frozen=True)
class OpenedRecording:
    """What a line's recording is for the one who asks."""

    result: Literal["hit", "join", "miss"]
    address: Address
    source: Source


@dataclass(frozen=True)
class Production(Generic[G]):
    """How a recording is made when there is none."""

    growing: Callable[[], G]
    produce: Callable[[G], Coroutine[Any, Any, None]]
    head: Callable[[G], bytes]  # of the whole file
    sidecar: Callable[[G, FileFacts], Awaitable[Sidecar | None]]  # None: it is not kept


async def unless_abandoned(work: Coroutine[Any, Any, None], growing: GrowingRecording) -> None:
    """Does the work until it is done or nobody wants it any more."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(growing.wait_until_abandoned())
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        abandoned = not task.done()
        task.cancel()
        leaving.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)
    if abandoned:
        raise Busy("Nobody waited for it any more.", code="abandoned")
    task.result()


async def closed_when_unread(growing: GrowingRecording, part: PartFile) -> None:
    try:
        await growing.wait_until_unread()
    finally:
        part.close()
