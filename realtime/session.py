"""One conversation: messages in, messages and sound out; it knows no socket and no web."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from realtime.audio import RATES
from realtime.errors import BadMessage, BadRequest, Busy, Unavailable, YamabikoError
from realtime.flood import Flood
from realtime.messages import (
    Cancel,
    Cancelled,
    Clear,
    Close,
    End,
    Flush,
    FromClient,
    Limits,
    Listen,
    ListenEnd,
    Ping,
    Pong,
    Ready,
    Say,
    Text,
)
from realtime.outbox import Data
from realtime.protocol import MOST_MESSAGE_BYTES, PROTOCOL, decode, encode
from realtime.release import AHEAD_SECONDS
from realtime.utterance import Stage, Utterance, error_of

POLICY, UNSUPPORTED, GOING_AWAY = 1008, 1003, 1001


@dataclass(frozen=True)
class Bounds:
    """How much one conversation may be."""

    utterances: int = 64
    unwinding: int = 256  # also those that were cancelled and still let go of their engine
    bad_in_a_row: int = 20


class Session:
    """What one client says and hears; `receive` is called by one reader, `outgoing` by one."""

    def __init__(self, stage: Stage, bounds: Bounds | None = None) -> None:
        self.id = secrets.token_hex(8)
        self._stage = stage
        self._bounds = bounds or Bounds()
        self._timer = stage.timer
        self._outbox = stage.outbox
        self._live: dict[str, Utterance] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams = itertools.count(1)
        self._flood = Flood()
        self._bad = 0
        self._draining = False
        self._silent = asyncio.Event()  # nothing is being said
        self._silent.set()
        self._ending: Close | None = None
        self._closed = False

    async def outgoing(self) -> AsyncGenerator[Data | Close, None]:
        """Everything to be sent, in order; a `Close` is the last."""
        yield encode(await self._ready())
        while (parcel := await self._outbox.take()) is not None:
            if parcel.last:
                self._forget(parcel.stream)
            yield parcel.data
        if self._ending is not None:
            yield self._ending

    async def receive(self, data: Data) -> None:
        """One message; it returns when the next one may be read."""
        if self._ending is not None or self._closed:
            return
        wait = self._flood.comes(self._timer.now())
        if self._flood.too_much:
            return self._end(Close(POLICY, "Too many messages a second."))
        if isinstance(data, bytes):
            return self._end(Close(UNSUPPORTED, "Sound without an open `listen`."))
        try:
            message = decode(data)
        except BadMessage as error:
            await self._refuse(error)
        else:
            self._bad = 0
            await self._obey(message)
        if wait:
            await self._timer.sleep(wait)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let what is being said come to its end, cancel what takes longer."""
        self._draining = True
        if not self._silent.is_set():
            await self._timer.within(seconds, self._silent)
        self._cancel(*self._live.values())
        self._ending = Close(GOING_AWAY, "The server stops.")
        self._outbox.finish()

    async def close(self) -> None:
        """Whoever listened has gone: everything is freed."""
        if self._closed:
            return
        self._closed = True
        self._stop_everything()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ready(self) -> Ready:
        speech = self._stage.speech
        return Ready(
            protocol=PROTOCOL,
            session=self.id,
            limits=Limits(
                text=speech.limits.text,
                long_text=speech.limits.long_text,
                utterances=self._bounds.utterances,
                message_bytes=MOST_MESSAGE_BYTES,
                ahead_seconds=AHEAD_SECONDS,
                sample_rates=RATES,
            ),
            engines=speech.engines(),
            characters=await speech.characters(),
            time_ms=self._timer.wall_ms(),
        )

    async def _obey(self, message: FromClient) -> None:
        match message:
            case Say():
                await self._say(message)
            case Text(id=id, text=text) if id in self._live:
                await self._live[id].write(text)
            case Flush(id=id) if id in self._live:
                self._live[id].flush()
            case End(id=id) if id in self._live:
                self._live[id].end()
            case Cancel(id=id) if id in self._live:
                self._cancel(self._live[id])
            case Clear():
                self._cancel(*self._live.values())
            case Ping(t=t):
                await self._outbox.tell(encode(Pong(t, self._timer.wall_ms())))
            case Listen() | ListenEnd():
                await self._listen(message)
            case _:
                pass  # of an utterance that has ended or never was: its ending was on its way

    async def _say(self, asked: Say) -> None:
        if asked.id in self._live:
            taken = BadRequest(f"The id {asked.id!r} is in use.", code="id_in_use", field="id")
            # Without the id: with it, it would be the end of the one that is being said.
            return await self._tell(taken, None)
        if (refusal := self._refusal()) is not None:
            return await self._tell(refusal, asked.id)
        utterance = Utterance(asked, next(self._streams), self._stage)
        self._live[asked.id] = utterance
        self._silent.clear()
        self._tasks.add(utterance.task)
        utterance.task.add_done_callback(self._tasks.discard)
        await utterance.write(asked.text)

    def _refusal(self) -> YamabikoError | None:
        """Why nothing more can be said now."""
        if self._draining:
            return Busy("The server is stopping.", code="draining", hint="Connect anew.")
        bounds = self._bounds
        if len(self._live) >= bounds.utterances or len(self._tasks) >= bounds.unwinding:
            return Busy(
                f"{len(self._live)} utterances are alive; at most {bounds.utterances} may be.",
                code="too_many_utterances",
                hint="Wait until one has ended.",
            )
        return None

    async def _listen(self, message: Listen | ListenEnd) -> None:
        if isinstance(message, Listen):
            await self._tell(Unavailable("Voices cannot be changed here yet."), message.id)

    async def _refuse(self, error: BadMessage) -> None:
        """A message that cannot be read ends what it was about, and enough of them everything."""
        self._bad += 1
        if error.id in self._live:
            self._live[error.id].stop(error_of(error, error.id))
        else:
            await self._tell(error, error.id)
        if self._bad >= self._bounds.bad_in_a_row:
            self._end(Close(POLICY, f"{self._bad} messages on end could not be read."))

    async def _tell(self, error: YamabikoError, id: str | None) -> None:
        await self._outbox.tell(encode(error_of(error, id)))

    def _cancel(self, *utterances: Utterance) -> None:
        for utterance in utterances:
            utterance.stop(Cancelled(utterance.id))

    def _forget(self, stream: int) -> None:
        for utterance in list(self._live.values()):
            if utterance.stream == stream:
                del self._live[utterance.id]
        if not self._live:
            self._silent.set()

    def _end(self, ending: Close) -> None:
        self._ending = ending
        self._stop_everything()

    def _stop_everything(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._outbox.close()
