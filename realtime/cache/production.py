"""The making of a recording, as far as no index and no disk is needed."""

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
    """A recording as one listener found it: there already, growing, or begun for them."""

    result: Literal["hit", "join", "miss"]
    address: Address
    source: Source


@dataclass(frozen=True)
class Production(Generic[G]):
    """The steps that make a recording when there is none."""

    create: Callable[[], G]
    produce: Callable[[G], Coroutine[Any, Any, None]]
    header: Callable[[G], bytes]  # of the whole file: it replaces the first bytes
    sidecar: Callable[[G, FileFacts], Awaitable[Sidecar | None]]  # None: it is not kept


async def unless_abandoned(work: Coroutine[Any, Any, None], growing: GrowingRecording) -> None:
    """Run the work until it is done, or raise `Busy` when nobody wants it any more."""
    if not await run_unless(work, growing.wait_until_abandoned()):
        raise Busy("Nobody waited for it any more.", code="abandoned")


async def close_when_unread(growing: GrowingRecording, part: PartFile) -> None:
    try:
        await growing.wait_until_unread()
    finally:
        part.close()
