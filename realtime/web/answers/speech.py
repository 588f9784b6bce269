"""A spoken line as an answer: a stream, events, or one body; it knows no route.

Nothing is sent before the first sound is there, so an error until then has its real status. One
after that breaks the body off: a client must not take a cut file for a whole one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from realtime.access.quotas import Account
from realtime.audio.encoding import ContainerWriter, EncodedPart, encode
from realtime.audio.wav import HEADER_BYTES, with_true_header
from realtime.cache import FinishedRecording, Recording
from realtime.speech.line import Line
from realtime.speech.speech import LineInProgress, Speech
from realtime.web.answers.errors import envelope, refusal_of
from realtime.web.answers.sending import Answer, answer_unless_gone
from realtime.web.answers.server_sent_events import sound_events, usage_of
from realtime.web.requests.openai_speech import OpenAiSpeechRequest


class SpeechResponse(Response):
    """Speaks its line while it is sent; the last client that goes away ends both."""

    def __init__(
        self,
        speech: Speech,
        account: Account,
        line: Line,
        asked: OpenAiSpeechRequest,
        keep: bool = True,
    ) -> None:
        super().__init__()
        self._account = account
        self._keep = keep
        self._line = line
        self._asked = asked
        self._speech = speech
        self._start = 0 if asked.format.name == "wav" else HEADER_BYTES
        self._tape = ContainerWriter(asked.format, speech.sample_rate(line), asked.sample_rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer_unless_gone(self._answer(scope, send), scope, receive)
        if not self._keep:
            await self._account.charge_sound(self._tape.seconds)

    async def _answer(self, scope: Scope, send: Send) -> None:
        async with self._speech.saying(self._line, self._keep) as saying:
            self._account.charge_recording(saying.result, saying.source)
            answer = Answer(send, self._described(saying.result))
            source = saying.source if self._as_it_is(saying.source) else None
            if isinstance(source, FinishedRecording):
                await self._kept(answer, source)
            elif isinstance(source, Recording) and not self._asked.whole:
                await self._growing(answer, source, saying.result)
            elif self._asked.whole and not self._asked.events:
                await self._whole(answer, encode(saying.spoken, self._tape))
            else:
                await self._stream(answer, self._parts(scope, saying))

    def _as_it_is(self, source: FinishedRecording | Recording | None) -> bool:
        """Whether the bytes are wanted just as the recording has them."""
        plain = not self._asked.format.codec and not self._asked.events
        return plain and source is not None and self._tape.sample_rate == source.sample_rate

    async def _kept(self, answer: Answer, kept: FinishedRecording) -> None:
        await answer.begin({}, kept.size - self._start)
        async for data in kept.chunks(self._start):
            await answer.send(data)
        await answer.end()

    async def _growing(self, answer: Answer, recording: Recording, result: str) -> None:
        offset = self._start
        while data := await recording.read(offset):
            if not answer.begun:
                await answer.begin(recording.timing if result == "miss" else {})
            await answer.send(data)
            offset += len(data)
        await answer.end()

    async def _stream(self, answer: Answer, coming: AsyncGenerator[EncodedPart, None]) -> None:
        async with aclosing(coming) as parts:
            async for part in parts:
                if not answer.begun:
                    await answer.begin(part.timing)
                await answer.send(part.data)
        await answer.end()

    async def _whole(self, answer: Answer, coming: AsyncGenerator[EncodedPart, None]) -> None:
        async with aclosing(coming) as encoded_parts:
            parts = [part async for part in encoded_parts]
        bodies = [part.data for part in parts if part.data]
        length = sum(map(len, bodies))
        if self._asked.format.name == "wav":
            bodies[0] = with_true_header(bodies[0], self._tape.sample_rate, length)
        await answer.begin(parts[0].timing, length)
        for body in bodies:
            await answer.send(body)
        await answer.end()

    def _parts(self, scope: Scope, saying: LineInProgress) -> AsyncGenerator[EncodedPart, None]:
        parts = encode(saying.spoken, self._tape)
        if not self._asked.events:
            return parts
        return sound_events(
            parts,
            lambda: usage_of(self._line.text, self._tape),
            lambda error: envelope(scope, refusal_of(error)),
            self._asked.timestamps,
        )

    def _described(self, result: str) -> dict[str, str]:
        found = self._asked.format
        plain = not found.codec
        headers = {
            "Content-Type": "text/event-stream" if self._asked.events else found.content_type,
            "Cache-Control": "no-store",
            "X-Cache": result,
            "X-Accel-Buffering": "no",
            "X-Audio-Sample-Rate": str(self._tape.sample_rate),
            "X-Audio-Channels": "1",
            "X-Audio-Encoding": "pcm_s16le" if plain else found.name,
        }
        return {**headers, "X-Audio-Bits-Per-Sample": "16"} if plain else headers
