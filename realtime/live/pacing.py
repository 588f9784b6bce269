"""Sound let go to one client no faster than it is played; it knows no line and no message."""

from __future__ import annotations

from realtime.audio.playback import Playback
from realtime.audio.samples import Pcm
from realtime.live.framing import Framer, audible
from realtime.live.protocol import encode_audio
from realtime.live.send_queue import SendQueue
from realtime.timer import Timer

AHEAD_SECONDS = 2.0  # of a client's playback


class Pacer:
    """The frames of one stream on their way to the outbox."""

    def __init__(self, send_queue: SendQueue, stream: int, frames: Framer, timer: Timer) -> None:
        self.samples = 0
        self.heard_at: float | None = None  # when the first audible frame went
        self._send_queue = send_queue
        self._stream = stream
        self._frames = frames
        self._timer = timer
        self._playback = Playback()

    @property
    def seconds(self) -> float:
        return self.samples / self._frames.rate

    def due(self) -> float:
        """When the client will want what comes next."""
        now = self._timer.now()
        return now + self._playback.seconds_ahead(now)

    async def sound(self, pcm: Pcm, paced: bool) -> None:
        """Some more sound, at the rate of its recording."""
        for frame in self._frames.feed(pcm):
            await self._frame(frame, paced)

    async def finish(self, paced: bool) -> None:
        for frame in self._frames.finish():
            await self._frame(frame, paced)

    async def _frame(self, frame: Pcm, paced: bool) -> None:
        seconds = frame.size / self._frames.rate
        early = self._playback.seconds_ahead(self._timer.now()) + seconds - AHEAD_SECONDS
        if paced and early > 0:
            await self._timer.sleep(early)
        due = self.due()
        self._playback.add(seconds, self._timer.now())
        self.samples += frame.size
        if self.heard_at is None and audible(frame):
            self.heard_at = self._timer.now()
        await self._send_queue.put(self._stream, encode_audio(self._stream, frame), due)
