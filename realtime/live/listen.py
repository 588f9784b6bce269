"""A `listen` of one client: its microphone in another voice."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np
from msgspec import UNSET, UnsetType

from realtime.audio.samples import Pcm
from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard
from realtime.conversion.notices import ConversionNotice
from realtime.conversion.request import REVOICE, VoiceChangeRequest
from realtime.conversion.voice_changer import LiveVoice, LiveVoiceEvent
from realtime.engines.options import options_of
from realtime.errors import BadRequest
from realtime.live.activity import Activity, ActivityContext, milliseconds
from realtime.live.framing import frames_of
from realtime.live.messages import Done, FromServer, Heard, Listen, Meter, Notice, Started, Timing
from realtime.live.pacing import Pacer
from realtime.live.protocol import encode

EARLY_SECONDS = 1.0  # of a microphone, held until its converter is ready; then the reader waits
METER_SECONDS = 0.5
CHARGED_SECONDS = 10.0
STALE_SECONDS = 2.0  # age from which a `played` message says nothing about the player any more


class ListenActivity(Activity):
    """The activity of one `listen`: `feed` and `end` on one side, messages and sound out."""

    failure = "The voice could not be changed."

    def __init__(self, listen: Listen, stream: int, context: ActivityContext) -> None:
        self._listen = listen
        self._rate = listen.output_sample_rate or listen.sample_rate
        self._by_words = REVOICE in (listen.mode, listen.engine)
        self._live: LiveVoice | None = None
        # A converter gives sound as fast as it is said; by words it comes faster than it is played.
        self._pacer = Pacer(
            context.send_queue,
            stream,
            self._rate,
            context.timer,
            paced=self._by_words,
            real_time=not self._by_words,
        )
        self._early: list[Pcm] = []
        self._ended = False
        self._ready = asyncio.Event()
        self._played: tuple[float, float] | None = None  # seconds, and the moment of the message
        self._metered = self._charged = 0.0
        super().__init__(listen.id, stream, context)

    async def feed(self, pcm: Pcm) -> None:
        """Take sound of the microphone; wait when it comes faster than it can be converted."""
        if self._ended:
            return
        if self._live is None:
            self._early.append(pcm)
            early = sum(part.size for part in self._early)
            if early >= EARLY_SECONDS * self._listen.sample_rate:
                await self._ready.wait()
        else:
            await self._live.feed(pcm)

    def end(self) -> None:
        """Close the microphone; what it sent is still converted to its end."""
        self._ended = True
        if self._live is not None:
            self._live.end()

    def hush(self) -> None:
        """Drop the sound that was not heard yet; the microphone stays open."""
        if self._live is not None:
            self._live.hush()
        self._pacer.drop()

    def played(self, seconds: float) -> None:
        """Note how much of the sound the client has played."""
        self._played = (seconds, self._now())

    async def _perform(self) -> None:
        listen, account = self._listen, self._context.account
        try:
            await account.check_sound()
            live = await self._context.voice_changer.live(
                voice_change_request(listen),
                listen.sample_rate,
                listen.output_sample_rate,
                self._played_by_now,
                self._now,
            )
            await self._send_started(live)
            began_at = self._now()
            await self._convert(live)
            self._context.send_queue.end(self.stream, encode(self._done(began_at)), self._now())
        finally:
            self._ended = True
            self._ready.set()  # frees a `feed` that waits
            await account.charge_sound(self._pacer.seconds - self._charged)

    async def _convert(self, live: LiveVoice) -> None:
        beginning = asyncio.create_task(self._begin(live))
        try:
            async with aclosing(live.output()) as output:
                async for item in output:
                    await self._send(item)
                    await self._measure(live)
        finally:
            live.stop()
            beginning.cancel()

    async def _send_started(self, live: LiveVoice) -> None:
        started = Started(
            id=self.id,
            stream=self.stream,
            sample_rate=self._rate,
            character=self._listen.character,
            engine=live.engine,
            cache=None,
            url=None,
        )
        await self._context.send_queue.put(self.stream, encode(started))

    async def _begin(self, live: LiveVoice) -> None:
        """Feed the sound that came before the conversion was ready, then let `feed` go on."""
        while self._early:
            early, self._early = self._early, []
            await live.feed(np.concatenate(early))
        self._live = live
        self._ready.set()
        if self._ended:
            live.end()

    async def _send(self, item: Pcm | LiveVoiceEvent) -> None:
        if isinstance(item, np.ndarray):
            await self._pacer.send(frames_of(item, self._rate))
            return await self._charge()
        if isinstance(item, SentenceHeard):
            message: FromServer = Heard(self.id, item.event, item.text, item.language)
        else:
            message = Notice(self.id, item.code, item.message, _load_of(item))
        await self._context.send_queue.put(self.stream, encode(message), self._now())

    async def _charge(self) -> None:
        if self._pacer.seconds - self._charged >= CHARGED_SECONDS:
            await self._context.account.charge_sound(CHARGED_SECONDS)
            self._charged += CHARGED_SECONDS
            await self._context.account.check_sound()

    async def _measure(self, live: LiveVoice) -> None:
        now = self._now()
        if not self._listen.meter or now < self._metered + METER_SECONDS:
            return
        if (report := live.read_timings()) is not None:
            self._metered = now
            meter = Meter(
                id=self.id,
                seconds=round(report.converted, 3),
                queue=milliseconds(report.queue),
                engine=milliseconds(report.engine),
                block=milliseconds(report.block),
                latency=milliseconds(report.latency),
                factor=round(report.factor, 3),
            )
            await self._context.send_queue.put(self.stream, encode(meter), now)

    def _played_by_now(self) -> float | None:
        """Estimate the seconds that the client has played; None when it said nothing lately."""
        if self._played is None:
            return None
        seconds, told_at = self._played
        since = self._now() - told_at
        return seconds + since if since < STALE_SECONDS else None

    def _done(self, began_at: float) -> Done:
        audible_at = self._pacer.audible_at or self._now()
        return Done(
            id=self.id,
            duration=round(self._pacer.seconds, 4),
            url=None,
            timing=Timing(
                queue=milliseconds(began_at - self._asked_at),
                text=0.0,
                first_audio=milliseconds(audible_at - self._asked_at),
                total=milliseconds(self._now() - self._asked_at),
            ),
            notices=(),
        )


def _load_of(notice: ConversionNotice | RevoicingNotice) -> float | UnsetType:
    load = notice.load if isinstance(notice, ConversionNotice) else None
    return UNSET if load is None else round(load, 2)


def voice_change_request(listen: Listen) -> VoiceChangeRequest:
    """Make the request of a `listen`, whose mode and engine must agree."""
    engine = listen.engine or (REVOICE if listen.mode == REVOICE else "")
    if listen.mode == REVOICE and engine != REVOICE:
        raise BadRequest(
            f"mode is {REVOICE}, and engine {engine!r} converts.",
            hint="Leave engine out, or say mode convert.",
            field="engine",
        )
    return VoiceChangeRequest(
        engine=engine,
        character=listen.character,
        pitch=listen.pitch,
        formant=listen.formant,
        breath=listen.breath,
        effect=listen.effect,
        gate=listen.gate,
        denoise=listen.denoise,
        model=listen.model,
        language=listen.language,
        options=options_of(listen.options),
    )
