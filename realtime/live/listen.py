"""One microphone of one client: from what is sent to another voice; it knows no socket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np

from realtime.audio.playback import Playback
from realtime.audio.samples import Pcm
from realtime.conversion.by_words.events import SentenceHeard as Understood
from realtime.conversion.request import CONVERTER, REVOICE, VoiceChangeRequest
from realtime.conversion.voice_changer import LiveVoice, LiveVoiceEvent
from realtime.errors import BadRequest
from realtime.live.activity import Activity, ActivityContext, milliseconds
from realtime.live.framing import audible
from realtime.live.messages import Done, FromServer, Heard, Listen, Meter, Notice, Started, Timing
from realtime.live.pacing import AHEAD_SECONDS
from realtime.live.protocol import encode, encode_audio

EARLY_SECONDS = 1.0  # of a microphone that need not wait until its converter is there
METER_SECONDS = 0.5
CHARGED_SECONDS = 10.0
FRAME_SECONDS = 0.06
STALE_SECONDS = 2.0  # after which what a listener told of its player says nothing any more


class ListenActivity(Activity):
    """One `listen` until its ending waits to be sent; it has exactly one."""

    failed = "The voice could not be changed."

    def __init__(self, asked: Listen, stream: int, stage: ActivityContext) -> None:
        self._asked = asked
        self._rate = asked.output_sample_rate or asked.sample_rate
        self._by_words = REVOICE in (asked.mode, asked.engine)
        self._live: LiveVoice | None = None
        self._playback = Playback()
        self._early: list[Pcm] = []
        self._ended = False
        self._prepared = asyncio.Event()
        self._played: tuple[float, float] | None = None  # seconds, and when it was told
        self._samples = 0
        self._heard_at: float | None = None
        self._metered = self._charged = 0.0
        super().__init__(asked.id, stream, stage)

    async def feed(self, pcm: Pcm) -> None:
        """What the microphone sent; it waits only for who sends faster than time passes."""
        if self._ended:
            return
        if self._live is None:
            self._early.append(pcm)
            if sum(part.size for part in self._early) < EARLY_SECONDS * self._asked.sample_rate:
                return
            await self._prepared.wait()
        else:
            await self._live.feed(pcm)

    def end(self) -> None:
        """The microphone is closed: what it sent is converted to its end."""
        self._ended = True
        if self._live is not None:
            self._live.end()

    def hush(self) -> None:
        """Nothing of what waits is to be heard; the listening goes on."""
        if self._live is not None:
            self._live.hush()
        self._stage.send_queue.drop(self.stream)
        self._playback = Playback()

    def played(self, seconds: float) -> None:
        """How much of the sound the client has played."""
        self._played = (seconds, self._now())

    async def _play(self) -> None:
        asked = self._asked
        try:
            await self._stage.account.check_sound()
            live = await self._stage.voice_changer.live(
                disguise_of(asked),
                asked.sample_rate,
                asked.output_sample_rate,
                self._playing,
                self._now,
            )
            await self._start()
            began_at = self._now()
            await self._convert(live)
            self._stage.send_queue.end(self.stream, encode(self._done(began_at)), self._now())
        finally:
            self._ended = True
            self._prepared.set()  # whoever still feeds need not wait
            await self._stage.account.charge_sound(self._seconds - self._charged)

    async def _convert(self, live: LiveVoice) -> None:
        beginning = asyncio.create_task(self._begin(live))
        try:
            async with aclosing(live.output()) as heard:
                async for item in heard:
                    await self._pass(item)
                    await self._measure(live)
        finally:
            live.stop()
            beginning.cancel()

    async def _start(self) -> None:
        started = Started(
            id=self.id,
            stream=self.stream,
            sample_rate=self._rate,
            character=self._asked.character,
            engine=REVOICE if self._by_words else self._asked.engine or CONVERTER,
            cache=None,
            url=None,
        )
        await self._stage.send_queue.put(self.stream, encode(started))

    async def _begin(self, live: LiveVoice) -> None:
        """What came while there was no conversion goes first."""
        while self._early:
            early, self._early = self._early, []
            await live.feed(np.concatenate(early))
        self._live = live
        self._prepared.set()
        if self._ended:
            live.end()

    async def _pass(self, item: Pcm | LiveVoiceEvent) -> None:
        if isinstance(item, np.ndarray):
            return await self._sound(item)
        if isinstance(item, Understood):
            message: FromServer = Heard(self.id, item.event, item.text, item.language)
        else:
            message = Notice(self.id, item.code, item.message)
        await self._stage.send_queue.put(self.stream, encode(message), self._now())

    async def _sound(self, pcm: Pcm) -> None:
        step, playback = round(FRAME_SECONDS * self._rate), self._playback
        for start in range(0, pcm.size, step):
            frame = pcm[start : start + step]
            if self._by_words:
                await self._paced(frame.size / self._rate)
            if playback is not self._playback:
                return  # it was hushed meanwhile
            due = self._now() + playback.seconds_ahead(self._now()) * self._by_words
            playback.add(frame.size / self._rate, self._now())
            if self._heard_at is None and audible(frame):
                self._heard_at = self._now()
            self._samples += frame.size
            await self._stage.send_queue.put(self.stream, encode_audio(self.stream, frame), due)
        await self._charge()

    async def _paced(self, seconds: float) -> None:
        """What is spoken anew is spoken faster than it is played; what is converted never is."""
        early = self._playback.seconds_ahead(self._now()) + seconds - AHEAD_SECONDS
        if early > 0:
            await self._stage.timer.sleep(early)

    async def _charge(self) -> None:
        if self._seconds - self._charged >= CHARGED_SECONDS:
            await self._stage.account.charge_sound(CHARGED_SECONDS)
            self._charged += CHARGED_SECONDS
            await self._stage.account.check_sound()

    async def _measure(self, live: LiveVoice) -> None:
        now = self._now()
        if not self._asked.meter or now < self._metered + METER_SECONDS:
            return
        if (found := live.read_timings()) is not None:
            self._metered = now
            meter = Meter(
                id=self.id,
                seconds=round(found.converted, 3),
                queue=milliseconds(found.queue),
                engine=milliseconds(found.engine),
                block=milliseconds(found.block),
                latency=milliseconds(found.latency),
                factor=round(found.factor, 3),
            )
            await self._stage.send_queue.put(self.stream, encode(meter), now)

    @property
    def _seconds(self) -> float:
        return self._samples / self._rate

    def _playing(self) -> float | None:
        """Where the client's player is by now, as far as it told."""
        if self._played is None:
            return None
        seconds, told_at = self._played
        since = self._now() - told_at
        return seconds + since if since < STALE_SECONDS else None

    def _done(self, began_at: float) -> Done:
        heard_at = self._heard_at or self._now()
        return Done(
            id=self.id,
            duration=round(self._seconds, 4),
            url=None,
            timing=Timing(
                queue=milliseconds(began_at - self._asked_at),
                text=0.0,
                first_audio=milliseconds(heard_at - self._asked_at),
                total=milliseconds(self._now() - self._asked_at),
            ),
        )


def disguise_of(asked: Listen) -> VoiceChangeRequest:
    engine = asked.engine or (REVOICE if asked.mode == REVOICE else CONVERTER)
    if asked.mode == REVOICE != engine:
        raise BadRequest(
            f"mode is {REVOICE}, and engine {engine!r} converts.",
            hint="Leave engine out, or say mode convert.",
            field="engine",
        )
    return VoiceChangeRequest(
        engine=engine,
        character=asked.character,
        pitch=asked.pitch,
        formant=asked.formant,
        breath=asked.breath,
        effect=asked.effect,
        gate=asked.gate,
        model=asked.model,
        language=asked.language,
    )
