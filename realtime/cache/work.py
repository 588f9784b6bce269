"""How a recording comes to be, as far as no index and no disk is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from realtime.cache.address import Address
from realtime.cache.disk import PartFile
from realtime.cache.growing import GrowingRecording
from realtime.cache.recording import FinishedRecording
from realtime.cache.sidecar import FileFacts, Sidecar
from realtime.cancellation import run_unless
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
    """Run the work until it is done, or raise `Busy` when nobody wants it any more."""
    if not await run_unless(work, growing.wait_until_abandoned()):
        raise Busy("Nobody waited for it any more.", code="abandoned")


async def closed_when_unread(growing: GrowingRecording, part: PartFile) -> None:
    try:
        await growing.wait_until_unread()
    finally:
        part.close()
