"""Lists of lines that are spoken ahead of time, while nobody else wants the engines."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from realtime.access.quotas import Account
from realtime.cache import FinishedRecording, Recording
from realtime.errors import Busy, NotFound, YamabikoError
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

MOST_LINES = 10_000  # of one list
MOST_RUNNING = 16  # lists at a time
MOST_REMEMBERED = 256  # lists, so that a client can ask how far they are
MOST_ERRORS = 20  # told of one list; all are counted


@dataclass
class Prefetch:
    """A list of lines and its progress."""

    id: str
    total: int
    done: int = 0
    failed: int = 0
    state: Literal["running", "finished", "cancelled"] = "running"
    errors: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class PrefetchJobs:
    """The lists that were begun; each is worked off one line at a time."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._known: OrderedDict[str, Prefetch] = OrderedDict()

    def begin(
        self,
        requests: Sequence[LineRequest],
        account: Account | None = None,
    ) -> Prefetch:
        """Begin to work off a list; the account is charged for the sound that is made."""
        running = sum(1 for known in self._known.values() if known.state == "running")
        if running >= MOST_RUNNING:
            raise Busy(f"{running} lists are already being prefetched.", retry_after=10)
        prefetch = Prefetch(secrets.token_hex(8), len(requests))
        work = self._work_off(prefetch, list(requests), account or Account())
        prefetch.task = asyncio.create_task(work)
        self._known[prefetch.id] = prefetch
        self._forget_oldest()
        return prefetch

    def get(self, id: str) -> Prefetch:
        if id not in self._known:
            raise NotFound(f"There is no prefetch {id[:40]!r}.", code="prefetch_not_found")
        return self._known[id]

    async def cancel(self, id: str) -> Prefetch:
        found = self.get(id)
        if found.state == "running":
            found.state = "cancelled"
            assert found.task is not None, "what runs has a task"
            found.task.cancel()
            await asyncio.gather(found.task, return_exceptions=True)
        return found

    async def close(self) -> None:
        for known in self._known.values():
            await self.cancel(known.id)

    async def _work_off(
        self,
        prefetch: Prefetch,
        requests: list[LineRequest],
        account: Account,
    ) -> None:
        for number, request in enumerate(requests, 1):
            try:
                await self._speak(request, account)
                prefetch.done += 1
            except YamabikoError as error:
                prefetch.failed += 1
                if len(prefetch.errors) < MOST_ERRORS:
                    prefetch.errors.append(f"line {number}: {error.message}")
        prefetch.state = "finished"

    async def _speak(self, request: LineRequest, account: Account) -> None:
        line = await self._speech.line(request)
        async with self._speech.open(line) as opened:
            source = opened.source
            account.charge_recording(opened.result, source)
            if isinstance(source, FinishedRecording):
                return
            assert isinstance(source, Recording), "a line has a recording"
            with source.patient_listener():
                async for _ in source.chunks():
                    pass
            if not await source.wait_until_settled():
                raise YamabikoError("It could not be kept.", code="cannot_keep")

    def _forget_oldest(self) -> None:
        for id in [known.id for known in self._known.values() if known.state != "running"]:
            if len(self._known) <= MOST_REMEMBERED:
                return
            del self._known[id]
