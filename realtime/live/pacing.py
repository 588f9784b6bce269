"""Sound that leaves for one client no faster than the client plays it."""

from __future__ import annotations

from collections.abc import Iterable

from realtime.audio.playback import Playback
from realtime.audio.samples import Pcm
from realtime.live.framing import audible
from realtime.live.protocol import encode_audio
from realtime.live.send_queue import SendQueue
from realtime.timer import Timer

AHEAD_SECONDS = 2.0  # of sound that a client may have and not have played yet


class Pacer:
    """The frames of one stream on their way to the send queue.

    `paced` sound waits until the client has less than `AHEAD_SECONDS` to play. `real_time` sound,
    a microphone that is being converted, is due at once; other sound when the client needs it.
    """

    def __init__(
        self,
        send_queue: SendQueue,
        stream: int,
        rate: int,
        timer: Timer,
        *,
        paced: bool,
        real_time: bool = False,
    ) -> None:
        self.samples = 0
        self.audible_at: float | None = None  # when the first audible frame went
        self._send_queue = send_queue
        self._stream = stream
        self._rate = rate
        self._timer = timer
        self._paced = paced
        self._real_time = real_time
        self._playback = Playback()

    @property
    def seconds(self) -> float:
        return self.samples / self._rate

    def due(self) -> float:
        """Return the moment at which the client needs the next sound or message."""
        now = self._timer.now()
        return now if self._real_time else now + self._playback.seconds_ahead(now)

    async def send(self, frames: Iterable[Pcm]) -> None:
        """Queue frames, each at its time; return early when they are dropped meanwhile."""
        playback = self._playback
        for frame in frames:
            seconds = frame.size / self._rate
            early = playback.seconds_ahead(self._timer.now()) + seconds - AHEAD_SECONDS
            if self._paced and early > 0:
                await self._timer.sleep(early)
            if playback is not self._playback:
                return
            due = self.due()
            playback.add(seconds, self._timer.now())
            self.samples += frame.size
            if self.audible_at is None and audible(frame):
                self.audible_at = self._timer.now()
            await self._send_queue.put(self._stream, encode_audio(self._stream, frame), due)

    def drop(self) -> None:
        """Drop the sound that waits; the client is taken to have nothing left to play."""
        self._send_queue.drop(self._stream)
        self._playback = Playback()
