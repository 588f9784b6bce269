"""One thing that is said to one client: from its line to messages and sound.

It knows no socket and no other utterance.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from realtime.audio.spoken import Word
from realtime.cache import Recording
from realtime.errors import YamabikoError
from realtime.live.activity import Activity, ActivityContext, error_of, milliseconds
from realtime.live.framing import Framer
from realtime.live.messages import Done, Say, Started, TimedWord, Timestamps, Timing
from realtime.live.pacing import Pacer
from realtime.live.protocol import encode
from realtime.speech.incoming_text import IncomingText
from realtime.speech.request import LineRequest
from realtime.speech.speech import LineInProgress

WORDS_A_MESSAGE = 500


class SayActivity(Activity):
    """One `say` until its ending waits to be sent; it has exactly one."""

    failed = "It could not be spoken."

    def __init__(self, asked: Say, stream: int, stage: ActivityContext) -> None:
        self._asked = asked
        self._wish = wish_of(asked)
        self._recording: Recording | None = None
        self._draft: IncomingText | None = None
        if asked.more:
            self._draft = stage.speech.incoming_text(self._wish, stage.timer)
        super().__init__(asked.id, stream, stage)

    async def write(self, text: str) -> None:
        """More of its text; too much of it is the end."""
        if self._draft is None or self._draft.ended or self._stopped_at is not None:
            return
        try:
            await self._stage.account.charge_text(len(text))
            self._draft.write(text)
        except YamabikoError as error:
            self.stop(error_of(error, self.id))

    def flush(self) -> None:
        if self._draft is not None:
            self._draft.flush()

    def end(self) -> None:
        if self._draft is not None:
            self._draft.end()

    async def _leave(self) -> None:
        """Return when the engine is free of it, unless it works for somebody else."""
        recording = self._recording
        if recording is None or recording.whole or recording.readers or recording.finish_alone:
            return
        await recording.wait_until_settled()
        if self._stopped_at is not None:
            self._stage.metrics.idled(self._now() - self._stopped_at)

    async def _play(self) -> None:
        async with self._saying() as saying:
            source = saying.source
            assert source is not None, "a socket's sound comes from a recording"
            if isinstance(source, Recording):
                self._recording = source
            frames = Framer(source.sample_rate, self._asked.sample_rate)
            release = Pacer(self._stage.send_queue, self.stream, frames, self._stage.timer)
            asked_at = self._draft.ready_at if self._draft else self._asked_at
            began_at = self._now()
            await self._start(saying)
            made = await self._sound(saying, release)
            done = Done(
                id=self.id,
                duration=round(release.seconds, 4),
                url=self._url(saying),
                timing=Timing(
                    queue=made.get("queue", 0.0),
                    text=round(milliseconds(began_at - asked_at) + made["text"], 2)
                    if made
                    else 0.0,
                    first_audio=milliseconds((release.heard_at or self._now()) - asked_at),
                    total=milliseconds(self._now() - asked_at),
                ),
            )
            self._stage.send_queue.end(self.stream, encode(done), release.due())

    @asynccontextmanager
    async def _saying(self) -> AsyncIterator[LineInProgress]:
        speech, account = self._stage.speech, self._stage.account
        if self._draft is not None:
            saying = speech.saying_while_written(self._wish, self._draft)
        else:
            line = await speech.line(self._wish)
            await account.charge_text(len(line.text))
            saying = speech.saying(line)
        async with saying as found:
            account.charge_recording(found.result, found.source)
            yield found

    async def _start(self, saying: LineInProgress) -> None:
        started = Started(
            id=self.id,
            stream=self.stream,
            sample_rate=self._asked.sample_rate,
            character=saying.line.character.name,
            engine=saying.line.engine,
            cache=None if self._draft else saying.result,
            url=self._url(saying),
        )
        await self._stage.send_queue.put(self.stream, encode(started))

    async def _sound(self, saying: LineInProgress, release: Pacer) -> Mapping[str, float]:
        """All of its sound, each word before it is heard; what was measured where it was made."""
        timing: Mapping[str, float] = {}
        async with aclosing(saying.spoken) as spoken:
            async for part in spoken:
                timing = timing or part.timing
                if self._asked.timestamps:
                    await self._words(part.words, release.due())
                await release.sound(part.pcm, self._asked.pace)
        await release.finish(self._asked.pace)
        return timing if saying.result == "miss" else {}

    async def _words(self, words: tuple[Word, ...], due: float) -> None:
        for place in range(0, len(words), WORDS_A_MESSAGE):
            timed = tuple(
                TimedWord(word.text, word.start, word.end)
                for word in words[place : place + WORDS_A_MESSAGE]
            )
            await self._stage.send_queue.put(self.stream, encode(Timestamps(self.id, timed)), due)

    def _url(self, saying: LineInProgress) -> str | None:
        return self._stage.link(saying.address) if saying.address else None


def wish_of(asked: Say) -> LineRequest:
    return LineRequest(
        text=asked.text,
        character=asked.character,
        language=asked.language,
        noaccent=asked.noaccent,
        longprompt=asked.longprompt,
        speed=asked.speed,
        seed=asked.seed,
        engine=asked.engine,
    )
