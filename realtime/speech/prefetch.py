"""Lines spoken ahead of time, when nobody else wants the engines; it knows no web."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from realtime.access.quotas import Account
from realtime.cache import FinishedRecording, Recording
from realtime.errors import Busy, NotFound, YamabikoError
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

logger = logging.getLogger(__name__)

MOST_LINES = 10_000
MOST_RUNNING = 16
MOST_REMEMBERED = 256
MOST_ERRORS = 20


@dataclass
class Prefetch:
    """One list of lines and how far it is."""

    id: str
    total: int
    done: int = 0
    failed: int = 0
    state: str = "running"  # running | finished | cancelled
    errors: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class PrefetchJobs:
    """Lists that are being worked off, one line at a time each."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._known: OrderedDict[str, Prefetch] = OrderedDict()

    def begin(
        self,
        wishes: Sequence[LineRequest],
        account: Account | None = None,
    ) -> Prefetch:
        """Work off a list; the account is charged for the sound that is made for it."""
        running = sum(1 for known in self._known.values() if known.state == "running")
        if running >= MOST_RUNNING:
            raise Busy(f"{running} lists are already being prefetched.", retry_after=10)
        made = Prefetch(secrets.token_hex(8), len(wishes))
        made.task = asyncio.create_task(self._work_off(made, list(wishes), account or Account()))
        self._known[made.id] = made
        self._forget_oldest()
        return made

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
        wishes: list[LineRequest],
        account: Account,
    ) -> None:
        for number, wish in enumerate(wishes, 1):
            try:
                await self._speak(wish, account)
                prefetch.done += 1
            except YamabikoError as error:
                prefetch.failed += 1
                if len(prefetch.errors) < MOST_ERRORS:
                    prefetch.errors.append(f"line {number}: {error.message}")
        prefetch.state = "finished"

    async def _speak(self, wish: LineRequest, account: Account) -> None:
        line = await self._speech.line(wish)
        async with self._speech.open(line) as opened:
            source = opened.source
            account.charge_recording(opened.result, source)
            if isinstance(source, FinishedRecording):
                return
            assert isinstance(source, Recording), "a line's source is a recording"
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
