"""Activities of one client: a line that is said, a microphone that is listened to.

Each ends with exactly one message: `done`, `cancelled` or `error`.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import UNSET

from realtime.access.quotas import Account
from realtime.cache import Address
from realtime.conversion.voice_changer import VoiceChanger
from realtime.errors import SynthesisFailed, YamabikoError
from realtime.live.messages import Error, FromServer
from realtime.live.protocol import encode
from realtime.live.send_queue import SendQueue
from realtime.metrics import Metrics
from realtime.speech.speech import Speech
from realtime.timer import Timer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActivityContext:
    """The services of the server and the queue of one session, for its activities."""

    speech: Speech
    voice_changer: VoiceChanger
    metrics: Metrics
    link: Callable[[Address], str]
    account: Account = field(default_factory=Account)
    timer: Timer = field(default_factory=Timer)
    send_queue: SendQueue = field(default_factory=SendQueue)


class Activity(ABC):
    """A task for one request of a client, with one stream of the send queue.

    It begins when it is made; it is over for the client when its ending has been sent, though its
    task may still wait for an engine to let go.
    """

    failure = "It could not be done."  # message of the ending when the fault is ours

    def __init__(self, id: str, stream: int, context: ActivityContext) -> None:
        self.id = id
        self.stream = stream
        self._context = context
        self._now = context.timer.now
        self._asked_at = self._now()
        self._stopped_at: float | None = None
        context.send_queue.open(stream)
        self.task = asyncio.create_task(self._run())

    def stop(self, ending: FromServer) -> None:
        """End it now: what still waits to be sent of it is dropped, then `ending` is sent."""
        if self._stopped_at is None:
            self._end_with(ending)
            self.task.cancel()

    @abstractmethod
    async def _perform(self) -> None:
        """Do the work, up to and with the ending `done`."""

    async def _after_stop(self) -> None:  # noqa: B027 -- most activities hold nothing
        """Wait, when it was stopped, for what it still holds."""

    def _end_with(self, ending: FromServer) -> None:
        if self._stopped_at is None:
            self._stopped_at = self._now()
            self._context.send_queue.end(self.stream, encode(ending), drop=True)

    async def _run(self) -> None:
        try:
            await self._perform()
        except asyncio.CancelledError:
            await self._after_stop()
            raise
        except YamabikoError as error:
            self._end_with(error_message(error, self.id))
        except Exception:  # a fault in one activity must not end the others of its session
            logger.exception("an activity failed")
            failed = SynthesisFailed(self.failure, hint="The server's log says more.")
            self._end_with(error_message(failed, self.id))


def error_message(error: YamabikoError, id: str | None) -> Error:
    """Make the message of an error; with an id, it is the ending of that activity."""
    # It may quote half a surrogate pair that a client sent, which UTF-8 cannot write.
    message = error.message.encode("utf-8", "replace").decode()
    return Error(
        code=error.code,
        message=message,
        hint=error.hint,
        values=dict(error.values) or UNSET,
        id=UNSET if id is None else id,
    )


def milliseconds(seconds: float) -> float:
    """Return a duration as the messages give it: milliseconds with two digits, never negative."""
    return round(1000 * max(0.0, seconds), 2)
