"""A client of a session, for tests: it needs no socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from realtime.audio.samples import Pcm
from realtime.live.activity import ActivityContext
from realtime.live.messages import Close
from realtime.live.session import Session
from realtime.services import Services
from realtime.timer import Timer
from tests.support.polling import until

ENDINGS = ("done", "cancelled", "error")


def sound_message(data: bytes) -> tuple[int, Pcm]:
    """Read a binary message of the server: the number of a stream, and samples."""
    return int.from_bytes(data[:4], "little"), np.frombuffer(data, "<i2", offset=4)


@dataclass
class SessionClient:
    """A client that sends messages to a session and notes what comes, in order."""

    session: Session
    messages: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[str, Any]] = field(default_factory=list)  # (kind, message or (stream, pcm))
    frames: dict[int, list[Pcm]] = field(default_factory=dict)
    closed: Close | None = None
    reading: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, id: str, text: str = "", **fields: Any) -> None:
        fields = {"engine": "tone", "pace": False, **fields}
        await self.send("say", id=id, text=text, **fields)

    async def send(self, type: str, **fields: Any) -> None:
        await self.session.receive(json.dumps({"type": type, **fields}))

    async def read_outgoing(self) -> None:
        """Note all that the session sends, while `reading` is set, until it ends."""
        async for item in self.session.outgoing():
            await self.reading.wait()
            if isinstance(item, Close):
                self.closed = item
            elif isinstance(item, bytes):
                stream, pcm = sound_message(item)
                self.frames.setdefault(stream, []).append(pcm)
                self.log.append(("audio", (stream, pcm)))
            else:
                message = json.loads(item)
                self.messages.append(message)
                self.log.append((message["type"], message))

    def of(self, type: str, id: str | None = None) -> list[dict[str, Any]]:
        found = [message for message in self.messages if message["type"] == type]
        return found if id is None else [m for m in found if m.get("id") == id]

    def ending(self, id: str) -> dict[str, Any]:
        found = [m for m in self.messages if m.get("id") == id and m["type"] in ENDINGS]
        assert len(found) == 1, found
        return found[0]

    def stream(self, id: str) -> int:
        return int(self.of("started", id)[0]["stream"])

    def pcm(self, id: str) -> Pcm:
        return np.concatenate(self.frames.get(self.stream(id), [np.zeros(0, np.int16)]))

    async def ended(self, *ids: str) -> None:
        """Wait until each of some utterances has its ending."""

        def all_ended() -> bool:
            known = {m.get("id") for m in self.messages if m["type"] in ENDINGS}
            return known.issuperset(ids)

        await until(all_ended)


def context_of(services: Services, timer: Timer | None = None) -> ActivityContext:
    return ActivityContext(
        services.speech,
        services.voice_changer,
        services.metrics,
        link=lambda address: f"http://here/audio/{address.quoted('.wav')}",
        timer=timer or Timer(),
    )


@asynccontextmanager
async def session_client(
    services: Services, timer: Timer | None = None
) -> AsyncIterator[SessionClient]:
    """Open a session with a client that reads; close both at the end."""
    client = SessionClient(Session(context_of(services, timer)))
    client.reading.set()
    reading = asyncio.create_task(client.read_outgoing())
    try:
        yield client
    finally:
        client.reading.set()
        await client.session.close()
        async with asyncio.timeout(5):
            await asyncio.gather(reading, return_exceptions=True)


async def lane_is_free(services: Services, engine: str = "tone") -> bool:
    """Wait until nothing works on an engine any more."""
    await until(lambda: not dict(services.models.job_counts()).get(engine))
    return True
