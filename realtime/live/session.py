"""The session of one client: its messages in, messages and sound out, without a socket."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from realtime.audio.samples import RATES
from realtime.errors import BadMessage, BadRequest, Busy, YamabikoError
from realtime.live.activity import Activity, ActivityContext, error_message
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
from realtime.live.protocol import MOST_MESSAGE_BYTES, PROTOCOL, decode, encode, microphone_samples
from realtime.live.say import SayActivity
from realtime.live.send_queue import Data

POLICY, UNSUPPORTED, GOING_AWAY = 1008, 1003, 1001  # close codes of RFC 6455, section 7.4.1


@dataclass(frozen=True)
class SessionBounds:
    """Limits of one session."""

    utterances: int = 64  # activities that have not ended for the client
    tasks: int = 256  # the same with those that were cancelled and still wait for their engine
    bad_in_a_row: int = 20  # messages that cannot be read, then the session is closed


class Session:
    """A client's activities; one task calls `receive`, one reads `outgoing`."""

    def __init__(
        self, context: ActivityContext, id: str = "", bounds: SessionBounds | None = None
    ) -> None:
        """Begin a session; `id` names it in `ready` and, with a socket, in the log."""
        self.id = id or secrets.token_hex(8)
        self._context = context
        self._bounds = bounds or SessionBounds()
        self._timer = context.timer
        self._send_queue = context.send_queue
        self._activities: dict[str, Activity] = {}  # by id, until their ending was sent
        self._microphone: ListenActivity | None = None  # which takes the sound that comes
        self._may_still_send = False  # sound: the client may not know yet that it was refused
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams = itertools.count(1)
        self._rate = MessageRate()
        self._bad_in_a_row = 0
        self._draining = False
        self._idle = asyncio.Event()  # set while there is no activity
        self._idle.set()
        self._ending: Close | None = None
        self._closed = False

    async def outgoing(self) -> AsyncGenerator[Data | Close, None]:
        """Yield all that is to be sent, in order; a `Close`, where the server closes, is last."""
        yield encode(await self._ready())
        while (message := await self._send_queue.take()) is not None:
            if message.last:
                self._forget(message.stream)
            yield message.data
        if self._ending is not None:
            yield self._ending

    async def receive(self, data: Data) -> None:
        """Handle one message; return when the next one may be read."""
        if self._ending is not None or self._closed:
            return
        wait = self._rate.count(self._timer.now())
        if self._rate.exceeded:
            return self._end(Close(POLICY, "Too many messages a second."))
        try:
            if isinstance(data, bytes):
                await self._receive_sound(data)
            else:
                await self._handle(decode(data))
        except BadMessage as error:
            await self._refuse(error)
        else:
            self._bad_in_a_row = 0
        if wait:
            await self._timer.sleep(wait)

    async def drain(self, seconds: float) -> None:
        """Refuse new activities, wait for those there are, and cancel them after `seconds`."""
        self._draining = True
        if self._microphone is not None:
            self._microphone.end()  # no microphone ends by itself
        if not self._idle.is_set():
            await self._timer.wait_within(seconds, self._idle)
        for activity in tuple(self._activities.values()):
            self._cancel(activity)
        self._ending = Close(GOING_AWAY, "The server stops.")
        self._send_queue.finish()

    async def close(self) -> None:
        """Stop everything after the client has gone, and wait until its engines are free."""
        if self._closed:
            return
        self._closed = True
        self._stop_everything()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ready(self) -> Ready:
        speech = self._context.speech
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
            converter_voices=speech.converter_voices(),
            time_ms=self._timer.wall_ms(),
        )

    async def _handle(self, message: FromClient) -> None:
        match message:
            case Say():
                await self._say(message)
            case Text() | Flush() | End():
                await self._write(message)
            case Cancel(id=id) if id in self._activities:
                self._cancel(self._activities[id])
            case Clear():
                self._clear()
            case Ping(t=t):
                await self._send_queue.put_urgent(encode(Pong(t, self._timer.wall_ms())))
            case Listen():
                await self._listen(message)
            case ListenEnd(id=id):
                self._stop_listening(id)
            case Played(id=id, seconds=seconds) if microphone := self._microphone_of(id):
                microphone.played(seconds)
            case _:
                pass  # about an activity that has ended: the client had not read its ending yet

    async def _write(self, message: Text | Flush | End) -> None:
        activity = self._activities.get(message.id)
        if not isinstance(activity, SayActivity):
            return  # it has ended: the client had not read its ending yet
        match message:
            case Text(text=text):
                await activity.write(text)
            case Flush():
                activity.flush()
            case End():
                activity.end()

    async def _say(self, say: Say) -> None:
        if await self._may_begin(say.id):
            activity = SayActivity(say, next(self._streams), self._context)
            self._register(activity)
            await activity.write(say.text)

    async def _listen(self, listen: Listen) -> None:
        self._may_still_send = True
        if self._microphone is not None:
            taken = BadRequest(
                f"The microphone {self._microphone.id!r} is open; there is one at a time.",
                code="already_listening",
                hint="Send listen.end first.",
            )
            # An error with the id of a live activity would be that activity's ending.
            id = None if listen.id in self._activities else listen.id
            return await self._send_error(taken, id)
        if await self._may_begin(listen.id):
            self._microphone = ListenActivity(listen, next(self._streams), self._context)
            self._register(self._microphone)

    async def _receive_sound(self, data: bytes) -> None:
        if self._microphone is not None:
            await self._microphone.feed(microphone_samples(data))
        elif not self._may_still_send:
            self._end(Close(UNSUPPORTED, "Sound without an open `listen`."))

    def _microphone_of(self, id: str) -> ListenActivity | None:
        microphone = self._microphone
        return microphone if microphone is not None and microphone.id == id else None

    def _stop_listening(self, id: str) -> None:
        """Close the microphone of this id; sound that comes from now on is a client's fault."""
        self._may_still_send = False
        if (microphone := self._microphone_of(id)) is not None:
            microphone.end()
            self._microphone = None

    async def _may_begin(self, id: str) -> bool:
        if id in self._activities:
            taken = BadRequest(f"The id {id!r} is in use.", code="id_in_use", field="id")
            # An error with the id of a live activity would be that activity's ending.
            await self._send_error(taken, None)
        elif (refusal := self._refusal()) is not None:
            await self._send_error(refusal, id)
        else:
            return True
        return False

    def _register(self, activity: Activity) -> None:
        self._activities[activity.id] = activity
        self._idle.clear()
        self._tasks.add(activity.task)
        activity.task.add_done_callback(self._tasks.discard)

    def _refusal(self) -> YamabikoError | None:
        """Return the error that refuses any new activity now, if there is one."""
        if self._draining:
            return Busy("The server is stopping.", code="draining", hint="Connect anew.")
        bounds, alive = self._bounds, len(self._activities)
        if alive >= bounds.utterances or len(self._tasks) >= bounds.tasks:
            return Busy(
                f"{alive} utterances are alive; at most {bounds.utterances} may be.",
                code="too_many_utterances",
                hint="Wait until one has ended.",
            )
        return None

    async def _refuse(self, error: BadMessage) -> None:
        """End the activity that an unreadable message was about; after many, the session."""
        self._bad_in_a_row += 1
        if error.id in self._activities:
            self._activities[error.id].stop(error_message(error, error.id))
        else:
            await self._send_error(error, error.id)
        if self._bad_in_a_row >= self._bounds.bad_in_a_row:
            self._end(Close(POLICY, f"{self._bad_in_a_row} messages in a row could not be read."))

    async def _send_error(self, error: YamabikoError, id: str | None) -> None:
        await self._send_queue.put_urgent(encode(error_message(error, id)))

    def _clear(self) -> None:
        """Cancel every `say` and drop the sound of the microphone, which stays open."""
        for activity in tuple(self._activities.values()):
            if isinstance(activity, ListenActivity):
                activity.hush()
            else:
                self._cancel(activity)

    def _cancel(self, activity: Activity) -> None:
        if activity is self._microphone:
            self._stop_listening(activity.id)
        activity.stop(Cancelled(activity.id))

    def _forget(self, stream: int) -> None:
        """Free the id of the activity whose ending is sent."""
        for activity in tuple(self._activities.values()):
            if activity.stream == stream:
                del self._activities[activity.id]
                if activity is self._microphone:
                    self._microphone = None
        if not self._activities:
            self._idle.set()

    def _end(self, ending: Close) -> None:
        self._ending = ending
        self._stop_everything()

    def _stop_everything(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._send_queue.close()
