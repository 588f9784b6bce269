"""One conversation: messages in, messages and sound out; it knows no socket and no web."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from realtime.audio.samples import RATES
from realtime.errors import BadMessage, BadRequest, Busy, YamabikoError
from realtime.live.activity import Activity, ActivityContext, error_of
from realtime.live.listen import ListenActivity
from realtime.live.message_rate import MessageRate
from realtime.live.messages import (
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
    Played,
    Pong,
    Ready,
    Say,
    Text,
)
from realtime.live.pacing import AHEAD_SECONDS
from realtime.live.protocol import MOST_MESSAGE_BYTES, PROTOCOL, decode, encode, samples_of
from realtime.live.say import SayActivity
from realtime.live.send_queue import Data

POLICY, UNSUPPORTED, GOING_AWAY = 1008, 1003, 1001


@dataclass(frozen=True)
class SessionBounds:
    """How much one conversation may be."""

    utterances: int = 64
    unwinding: int = 256  # also those that were cancelled and still let go of their engine
    bad_in_a_row: int = 20


class Session:
    """What one client says and hears; `receive` is called by one reader, `outgoing` by one."""

    def __init__(self, stage: ActivityContext, bounds: SessionBounds | None = None) -> None:
        self.id = secrets.token_hex(8)
        self._stage = stage
        self._bounds = bounds or SessionBounds()
        self._timer = stage.timer
        self._send_queue = stage.send_queue
        self._live: dict[str, Activity] = {}
        self._ear: ListenActivity | None = None  # whom a microphone may send to
        self._overhears = False  # a microphone that was refused may not know it yet
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams = itertools.count(1)
        self._flood = MessageRate()
        self._bad = 0
        self._draining = False
        self._silent = asyncio.Event()  # nothing goes on
        self._silent.set()
        self._ending: Close | None = None
        self._closed = False

    async def outgoing(self) -> AsyncGenerator[Data | Close, None]:
        """Everything to be sent, in order; a `Close` is the last."""
        yield encode(await self._ready())
        while (parcel := await self._send_queue.take()) is not None:
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
        try:
            if isinstance(data, bytes):
                await self._hear(data)
            else:
                await self._obey(decode(data))
        except BadMessage as error:
            await self._refuse(error)
        else:
            self._bad = 0
        if wait:
            await self._timer.sleep(wait)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let what is being said come to its end, cancel what takes longer."""
        self._draining = True
        if self._ear is not None:
            self._ear.end()  # no microphone ends by itself
        if not self._silent.is_set():
            await self._timer.within(seconds, self._silent)
        self._cancel(*self._live.values())
        self._ending = Close(GOING_AWAY, "The server stops.")
        self._send_queue.finish()

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
            case Text() | Flush() | End():
                await self._write(message)
            case Cancel(id=id) if id in self._live:
                self._cancel(self._live[id])
            case Clear():
                self._clear()
            case Ping(t=t):
                await self._send_queue.tell(encode(Pong(t, self._timer.wall_ms())))
            case Listen():
                await self._listen(message)
            case ListenEnd(id=id):
                self._stop_listening(id)
            case Played(id=id, seconds=seconds) if self._ear is not None and self._ear.id == id:
                self._ear.played(seconds)
            case _:
                pass  # of what has ended or never was: its ending was on its way

    async def _write(self, message: Text | Flush | End) -> None:
        utterance = self._live.get(message.id)
        if not isinstance(utterance, SayActivity):
            return  # it has ended or never was: its ending was on its way
        match message:
            case Text(text=text):
                await utterance.write(text)
            case Flush():
                utterance.flush()
            case End():
                utterance.end()

    async def _say(self, asked: Say) -> None:
        if await self._may_begin(asked.id):
            utterance = SayActivity(asked, next(self._streams), self._stage)
            self._begun(utterance)
            await utterance.write(asked.text)

    async def _listen(self, asked: Listen) -> None:
        self._overhears = True
        if self._ear is not None:
            taken = BadRequest(
                f"The microphone {self._ear.id!r} is open; there is one at a time.",
                code="already_listening",
                hint="Send listen.end first.",
            )
            # Without the id where it is that microphone's: with it, it would be its end.
            return await self._tell(taken, None if asked.id in self._live else asked.id)
        if await self._may_begin(asked.id):
            self._ear = ListenActivity(asked, next(self._streams), self._stage)
            self._begun(self._ear)

    async def _hear(self, data: bytes) -> None:
        """Some sound of the microphone."""
        if self._ear is not None:
            await self._ear.feed(samples_of(data))
        elif not self._overhears:
            self._end(Close(UNSUPPORTED, "Sound without an open `listen`."))

    def _stop_listening(self, id: str) -> None:
        """From now on the client knows that nobody hears it."""
        self._overhears = False
        if self._ear is not None and self._ear.id == id:
            self._ear.end()
            self._ear = None

    async def _may_begin(self, id: str) -> bool:
        if id in self._live:
            taken = BadRequest(f"The id {id!r} is in use.", code="id_in_use", field="id")
            # Without the id: with it, it would be the end of what goes on under it.
            await self._tell(taken, None)
        elif (refusal := self._refusal()) is not None:
            await self._tell(refusal, id)
        else:
            return True
        return False

    def _begun(self, act: Activity) -> None:
        self._live[act.id] = act
        self._silent.clear()
        self._tasks.add(act.task)
        act.task.add_done_callback(self._tasks.discard)

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
        await self._send_queue.tell(encode(error_of(error, id)))

    def _clear(self) -> None:
        """Every utterance ends, and what a microphone became is not heard; it stays open."""
        for act in tuple(self._live.values()):
            if isinstance(act, ListenActivity):
                act.hush()
            else:
                self._cancel(act)

    def _cancel(self, *acts: Activity) -> None:
        for act in acts:
            if act is self._ear:
                self._stop_listening(act.id)
            act.stop(Cancelled(act.id))

    def _forget(self, stream: int) -> None:
        for act in tuple(self._live.values()):
            if act.stream == stream:
                del self._live[act.id]
                if act is self._ear:
                    self._ear = None
        if not self._live:
            self._silent.set()

    def _end(self, ending: Close) -> None:
        self._ending = ending
        self._stop_everything()

    def _stop_everything(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._send_queue.close()
