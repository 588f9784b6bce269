"""A client of the live socket that writes as people type and plays what it hears virtually."""

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

AUDIBLE = 300  # of 32768
RATE = 24000
PLAYER_SECONDS = 0.06  # what a player holds before it begins, as the page does
CLAUSE_END = re.compile(r"[,.;:!?…，。！？、；：]")
LETTER = re.compile(r"\w")


@dataclass
class Heard:
    """One utterance as its listener hears it; times are of the running clock."""

    clause_at: float = 0.0  # when the last letter of the first clause was sent
    first_at: float = 0.0  # when the first audible sample can be heard
    samples: int = 0
    late: list[float] = field(default_factory=list)  # how long playback stood still, each time
    waits: list[float] = field(default_factory=list)  # for later clauses that were written late
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
        """A frame arrives: it plays when what came before it has been played."""
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
            self._stood_still(now)
            self._plays_until = now
        self._sounded = self.spoken
        self._plays_until += pcm.size / RATE
        self.samples += pcm.size
        if keep:
            self.pcm.append(data)

    def _stood_still(self, now: float) -> None:
        """An underrun, unless what comes now was still being written when sound ran out."""
        following = (at for place, at in self.written if place > self._sounded)
        complete = next(following, self._plays_until)
        if complete <= self._plays_until:
            self.late.append(now - self._plays_until)
        else:
            self.waits.append(now - complete)

    def still_playing(self, now: float) -> float:
        return max(0.0, self._plays_until - now)


class Talker:
    """One conversation: it says lines and waits for their sound."""

    def __init__(self, address: str, engine: str, keep: bool = False) -> None:
        self._address = "ws" + address.removeprefix("http") + "/ws"
        self._engine = engine
        self._keep = keep
        self._numbers = itertools.count(1)
        self._utterances: dict[str, Heard] = {}
        self._streams: dict[int, Heard] = {}
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

    async def say(self, text: str, **fields: Any) -> Heard:
        """The whole line at once."""
        id, heard = self._opened()
        heard.clause_at = time.perf_counter()
        await self._send("say", id=id, text=text, **self._asked(fields))
        return await self._ended(id)

    async def type(self, text: str, signs_a_second: float, **fields: Any) -> Heard:
        """The line as it is being written, word by word."""
        id, heard = self._opened()
        begun, written, letters = time.perf_counter(), 0, 0
        await self._send("say", id=id, text="", more=True, **self._asked(fields))
        for word in re.findall(r"\S+\s*", text):
            written += len(word)
            await asyncio.sleep(max(0.0, begun + written / signs_a_second - time.perf_counter()))
            await self._send("text", id=id, text=word)
            letters += len(LETTER.findall(word))
            if CLAUSE_END.search(word):
                heard.written.append((letters, time.perf_counter()))
        await self._send("end", id=id)
        heard.written.append((letters, time.perf_counter()))
        heard.clause_at = heard.written[0][1]
        return await self._ended(id)

    async def cancel(self, heard: Heard) -> None:
        """Interrupt it; what `cancelled_after` says is what a listener waits at most."""
        id = next(id for id, known in self._utterances.items() if known is heard)
        asked = time.perf_counter()
        await self._send("cancel", id=id)
        await self._ends[id].wait()
        heard.cancelled_after = time.perf_counter() - asked

    @property
    def latest(self) -> Heard:
        return self._utterances[max(self._utterances, key=int)]

    def _opened(self) -> tuple[str, Heard]:
        id, heard = str(next(self._numbers)), Heard()
        self._utterances[id], self._ends[id] = heard, asyncio.Event()
        return id, heard

    async def _ended(self, id: str) -> Heard:
        await self._ends[id].wait()
        return self._utterances[id]

    def _asked(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"engine": self._engine, "sample_rate": RATE, "timestamps": True, **fields}

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def _listen(self) -> None:
        async for message in self._socket:
            now = time.perf_counter()
            if isinstance(message, bytes):
                heard = self._streams[struct.unpack_from("<I", message)[0]]
                heard.take(message[4:], now, self._keep)
            else:
                self._told(json.loads(message))
        for event in self._ends.values():
            event.set()  # a socket that ends leaves nobody waiting

    def _told(self, message: dict[str, Any]) -> None:
        kind, heard = message["type"], self._utterances.get(message.get("id", ""))
        if heard is None:
            return
        if kind == "timestamps":
            words = (word["text"] for word in message["words"])
            heard.spoken += sum(len(LETTER.findall(word)) for word in words)
        elif kind == "started":
            self._streams[message["stream"]] = heard
        elif kind in ("done", "cancelled", "error"):
            heard.ended = kind if kind != "error" else f"error {message['code']}"
            heard.url = message.get("url")
            self._ends[message["id"]].set()
