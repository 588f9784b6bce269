"""A `say` of one client: from its line to messages and sound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from realtime.audio.spoken import Word
from realtime.cache import Recording
from realtime.errors import YamabikoError
from realtime.live.activity import Activity, ActivityContext, error_message, milliseconds
from realtime.live.framing import Framer
from realtime.live.messages import Done, Say, Started, TimedWord, Timestamps, Timing
from realtime.live.pacing import Pacer
from realtime.live.protocol import encode
from realtime.speech.incoming_text import IncomingText
from realtime.speech.request import line_request
from realtime.speech.speech import LineInProgress

WORDS_A_MESSAGE = 500  # so that a `timestamps` message stays far under 256 KiB


class SayActivity(Activity):
    """The activity of one `say`; its text may come while it is spoken."""

    failure = "It could not be spoken."

    def __init__(self, say: Say, stream: int, context: ActivityContext) -> None:
        self._say = say
        self._request = line_request(say)
        self._recording: Recording | None = None
        self._incoming: IncomingText | None = None  # the text, where it comes bit by bit
        if say.more:
            self._incoming = context.speech.incoming_text(self._request, context.timer)
        super().__init__(say.id, stream, context)

    async def write(self, text: str) -> None:
        """Add to the text; too much of it ends the activity with an error."""
        if self._incoming is None or self._incoming.ended or self._stopped_at is not None:
            return
        try:
            await self._context.account.charge_text(len(text))
            self._incoming.write(text)
        except YamabikoError as error:
            self.stop(error_message(error, self.id))

    def flush(self) -> None:
        if self._incoming is not None:
            self._incoming.flush()

    def end(self) -> None:
        if self._incoming is not None:
            self._incoming.end()

    async def _after_stop(self) -> None:
        """Wait until the engine is free of this line, unless it works for others too."""
        recording = self._recording
        if recording is None or recording.whole or recording.readers or recording.finish_alone:
            return
        await recording.wait_until_settled()
        if self._stopped_at is not None:
            self._context.metrics.observe_cancel(self._now() - self._stopped_at)

    async def _perform(self) -> None:
        async with self._line_in_progress() as line:
            source = line.source
            assert source is not None, "a socket's sound comes from a recording"
            if isinstance(source, Recording):
                self._recording = source
            framer = Framer(source.sample_rate, self._say.sample_rate)
            pacer = Pacer(
                self._context.send_queue,
                self.stream,
                self._say.sample_rate,
                self._context.timer,
                paced=self._say.pace,
            )
            asked_at = self._incoming.ready_at if self._incoming else self._asked_at
            began_at = self._now()
            await self._send_started(line)
            made_in = await self._send_sound(line, framer, pacer)
            text_ms = milliseconds(began_at - asked_at) + made_in["text"] if made_in else 0.0
            done = Done(
                id=self.id,
                duration=round(pacer.seconds, 4),
                url=self._url(line),
                timing=Timing(
                    queue=made_in.get("queue", 0.0),
                    text=round(text_ms, 2),
                    first_audio=milliseconds((pacer.audible_at or self._now()) - asked_at),
                    total=milliseconds(self._now() - asked_at),
                ),
                notices=line.line.notices,
            )
            self._context.send_queue.end(self.stream, encode(done), pacer.due())

    @asynccontextmanager
    async def _line_in_progress(self) -> AsyncIterator[LineInProgress]:
        speech, account = self._context.speech, self._context.account
        if self._incoming is not None:
            speaking = speech.saying_while_written(self._request, self._incoming)
        else:
            line = await speech.line(self._request)
            await account.charge_text(len(line.text))
            speaking = speech.saying(line)
        async with speaking as in_progress:
            account.charge_recording(in_progress.result, in_progress.source)
            yield in_progress

    async def _send_started(self, line: LineInProgress) -> None:
        started = Started(
            id=self.id,
            stream=self.stream,
            sample_rate=self._say.sample_rate,
            character=line.line.character.name,
            engine=line.line.engine,
            cache=None if self._incoming else line.result,
            url=self._url(line),
        )
        await self._context.send_queue.put(self.stream, encode(started))

    async def _send_sound(
        self, line: LineInProgress, framer: Framer, pacer: Pacer
    ) -> Mapping[str, float]:
        """Send all sound, each word before it is heard.

        Returns the milliseconds that making it took; empty where it was not made for this `say`.
        """
        timing: Mapping[str, float] = {}
        async with aclosing(line.spoken) as spoken:
            async for part in spoken:
                timing = timing or part.timing
                if self._say.timestamps:
                    await self._send_words(part.words, pacer.due())
                await pacer.send(framer.feed(part.pcm))
        await pacer.send(framer.finish())
        return timing if line.result == "miss" else {}

    async def _send_words(self, words: tuple[Word, ...], due: float) -> None:
        for place in range(0, len(words), WORDS_A_MESSAGE):
            timed = tuple(
                TimedWord(word.text, word.start, word.end)
                for word in words[place : place + WORDS_A_MESSAGE]
            )
            message = encode(Timestamps(self.id, timed))
            await self._context.send_queue.put(self.stream, message, due)

    def _url(self, line: LineInProgress) -> str | None:
        return self._context.link(line.address) if line.address else None
