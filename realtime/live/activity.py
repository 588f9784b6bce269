"""What goes on for one client: acts with exactly one ending each; it knows no text, no sound."""

from __future__ import annotations

import asyncio
import logging
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
    """What every act of a session needs."""

    speech: Speech
    voice_changer: VoiceChanger
    metrics: Metrics
    link: Callable[[Address], str]
    account: Account = field(default_factory=Account)
    timer: Timer = field(default_factory=Timer)
    send_queue: SendQueue = field(default_factory=SendQueue)


class Activity:
    """One thing from the message that asks for it until its ending waits to be sent."""

    failed = "It could not be done."

    def __init__(self, id: str, stream: int, stage: ActivityContext) -> None:
        self.id = id
        self.stream = stream
        self._stage = stage
        self._now = stage.timer.now
        self._asked_at = self._now()
        self._stopped_at: float | None = None
        stage.send_queue.open(stream)
        self.task = asyncio.create_task(self._run())

    def stop(self, ending: FromServer) -> None:
        """End it here: what still waits of it is not sent, and nothing follows its ending."""
        if self._stopped_at is None:
            self._end_with(ending)
            self.task.cancel()

    async def _play(self) -> None:
        """The act itself, with its good ending."""
        raise NotImplementedError

    async def _leave(self) -> None:
        """What is still to be waited for when it was stopped."""

    def _end_with(self, ending: FromServer) -> None:
        if self._stopped_at is None:
            self._stopped_at = self._now()
            self._stage.send_queue.end(self.stream, encode(ending), drop=True)

    async def _run(self) -> None:
        try:
            await self._play()
        except asyncio.CancelledError:
            await self._leave()
            raise
        except YamabikoError as error:
            self._end_with(error_of(error, self.id))
        except Exception:  # whatever it is, it ends this act alone
            logger.exception("an act failed")
            failed = SynthesisFailed(self.failed, hint="The server's log says more.")
            self._end_with(error_of(failed, self.id))


def error_of(error: YamabikoError, id: str | None) -> Error:
    """An error as a message; what it quotes may be no text that UTF-8 has."""
    message = error.message.encode("utf-8", "replace").decode()
    return Error(error.code, message, error.hint, UNSET if id is None else id)


def milliseconds(seconds: float) -> float:
    return round(1000 * max(0.0, seconds), 2)
