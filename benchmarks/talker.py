"""A client of the live socket that writes as people type, and plays its sound virtually."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

AUDIBLE = 300  # of 32768: the level from which a sample is heard
RATE = 24000
PLAYER_SECONDS = 0.06  # what a player holds before it begins, as the page does
CLAUSE_END = re.compile(r"[,.;:!?…，。！？、；：]")
LETTER = re.compile(r"\w")


@dataclass
class ListenedLine:
    """A line as its listener hears it; times are of `time.perf_counter`."""

    clause_at: float = 0.0  # when the last letter of the first clause was sent
    first_at: float = 0.0  # when the first audible sample can be heard
    samples: int = 0
    late: list[float] = field(default_factory=list)  # seconds without sound, of each underrun
    waits: list[float] = field(default_factory=list)  # from the writing of a clause to its sound
    ended: str = ""  # done | cancelled | error
    cancelled_after: float | None = None  # from `cancel` to `cancelled`
    frames_after_end: int = 0
    url: str | None = None
    pcm: list[bytes] = field(default_factory=list)
    written: list[tuple[int, float]] = field(default_factory=list)  # clause ends, and when sent
    spoken: int = 0  # letters of the words that have come
    _plays_until: float = 0.0
    _sounded: int = 0  # letters whose sound has come

    @property
    def first_audible(self) -> float:
        return self.first_at - self.clause_at

    @property
    def seconds(self) -> float:
        return self.samples / RATE

    def take(self, data: bytes, now: float, keep: bool) -> None:
        """Play a frame that arrives now, after those before it."""
        pcm = np.frombuffer(data, "<i2")
        if self.ended:
            self.frames_after_end += 1
            return
        if not self.first_at:
            loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > AUDIBLE)
            if loud.size:
                self.first_at = now + (self.samples + int(loud[0])) / RATE
        if not self.samples:
            self._plays_until = now + PLAYER_SECONDS
        elif now > self._plays_until:
            self._note_gap(now)
            self._plays_until = now
        self._sounded = self.spoken
        self._plays_until += pcm.size / RATE
        self.samples += pcm.size
        if keep:
            self.pcm.append(data)

    def _note_gap(self, now: float) -> None:
        """Note an underrun, or a wait when the text was still being written when sound ran out."""
        following = (at for place, at in self.written if place > self._sounded)
        complete = next(following, self._plays_until)
        if complete <= self._plays_until:
            self.late.append(now - self._plays_until)
        else:
            self.waits.append(now - complete)

    def still_playing(self, now: float) -> float:
        return max(0.0, self._plays_until - now)


class Talker:
    """A session on the live socket that says lines and waits for their sound."""

    def __init__(self, address: str, engine: str, keep: bool = False) -> None:
        self._address = "ws" + address.removeprefix("http") + "/ws"
        self._engine = engine
        self._keep = keep
        self._numbers = itertools.count(1)
        self._lines: dict[str, ListenedLine] = {}
        self._streams: dict[int, ListenedLine] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Talker:
        self._socket: ClientConnection = await connect(
            self._address,
            subprotocols=[Subprotocol("yamabiko.v1")],
            compression=None,
            max_size=1 << 20,
        )
        ready = json.loads(await self._socket.recv())
        assert ready["type"] == "ready", ready
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._socket.close()

    async def say(self, text: str, **fields: Any) -> ListenedLine:
        """Say a whole line at once."""
        id, line = self._new_line()
        line.clause_at = time.perf_counter()
        await self._send("say", id=id, text=text, **self._with_defaults(fields))
        return await self._wait_for_end(id)

    async def type(self, text: str, signs_a_second: float, **fields: Any) -> ListenedLine:
        """Say a line as it is typed, word by word."""
        id, line = self._new_line()
        begun, written, letters = time.perf_counter(), 0, 0
        await self._send("say", id=id, text="", more=True, **self._with_defaults(fields))
        for word in re.findall(r"\S+\s*", text):
            written += len(word)
            await asyncio.sleep(max(0.0, begun + written / signs_a_second - time.perf_counter()))
            await self._send("text", id=id, text=word)
            letters += len(LETTER.findall(word))
            if CLAUSE_END.search(word):
                line.written.append((letters, time.perf_counter()))
        await self._send("end", id=id)
        line.written.append((letters, time.perf_counter()))
        line.clause_at = line.written[0][1]
        return await self._wait_for_end(id)

    async def cancel(self, line: ListenedLine) -> None:
        """Cancel a line; `cancelled_after` is the longest that a listener waits for silence."""
        id = next(id for id, known in self._lines.items() if known is line)
        asked_at = time.perf_counter()
        await self._send("cancel", id=id)
        await self._ends[id].wait()
        line.cancelled_after = time.perf_counter() - asked_at

    @property
    def latest(self) -> ListenedLine:
        return self._lines[max(self._lines, key=int)]

    def _new_line(self) -> tuple[str, ListenedLine]:
        id, line = str(next(self._numbers)), ListenedLine()
        self._lines[id], self._ends[id] = line, asyncio.Event()
        return id, line

    async def _wait_for_end(self, id: str) -> ListenedLine:
        await self._ends[id].wait()
        return self._lines[id]

    def _with_defaults(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"engine": self._engine, "sample_rate": RATE, "timestamps": True, **fields}

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def _listen(self) -> None:
        async for message in self._socket:
            now = time.perf_counter()
            if isinstance(message, bytes):
                line = self._streams[struct.unpack_from("<I", message)[0]]
                line.take(message[4:], now, self._keep)
            else:
                self._take_message(json.loads(message))
        for event in self._ends.values():
            event.set()  # a socket that ends must leave no line waiting

    def _take_message(self, message: dict[str, Any]) -> None:
        kind, line = message["type"], self._lines.get(message.get("id", ""))
        if line is None:
            return
        if kind == "timestamps":
            words = (word["text"] for word in message["words"])
            line.spoken += sum(len(LETTER.findall(word)) for word in words)
        elif kind == "started":
            self._streams[message["stream"]] = line
        elif kind in ("done", "cancelled", "error"):
            line.ended = kind if kind != "error" else f"error {message['code']}"
            line.url = message.get("url")
            self._ends[message["id"]].set()
