"""A spoken line as an answer: a stream, events, or one body.

Nothing is sent before the first sound is there, so an error until then has its real status. A
later error breaks the body off: a client must not take a cut file for a whole one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from realtime.access.quotas import Account
from realtime.audio.encoding import ContainerWriter, EncodedPart, encode
from realtime.audio.wav import HEADER_BYTES
from realtime.cache import FinishedRecording, Recording
from realtime.speech.line import Line
from realtime.speech.speech import LineInProgress, Speech
from realtime.web.answers.error_body import error_body
from realtime.web.answers.errors import refusal_of
from realtime.web.answers.notices import notice_headers
from realtime.web.answers.sending import Answer, answer_unless_gone
from realtime.web.answers.server_sent_events import sound_events, usage_of
from realtime.web.requests.sound_form import SoundForm


class SpeechResponse(Response):
    """A line that is spoken while it is sent; the last client that leaves ends the synthesis."""

    def __init__(
        self,
        speech: Speech,
        account: Account,
        line: Line,
        wanted: SoundForm,
        keep: bool = True,
    ) -> None:
        super().__init__()
        self._account = account
        self._keep = keep
        self._line = line
        self._wanted = wanted
        self._speech = speech
        self._start = 0 if wanted.format.name == "wav" else HEADER_BYTES
        self._writer = ContainerWriter(wanted.format, speech.sample_rate(line), wanted.sample_rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer_unless_gone(partial(self._answer, scope), scope, receive, send)
        if not self._keep:
            await self._account.charge_sound(self._writer.seconds)

    async def _answer(self, scope: Scope, send: Send) -> None:
        async with self._speech.saying(self._line, self._keep) as saying:
            self._account.charge_recording(saying.result, saying.source)
            answer = self._new_answer(send, saying.result)
            source = saying.source if self._can_copy(saying.source) else None
            if isinstance(source, FinishedRecording):
                await self._send_finished(answer, source)
            elif isinstance(source, Recording) and not self._wanted.whole:
                await self._send_growing(answer, source, saying.result)
            elif self._wanted.whole and not self._wanted.events:
                await self._send_whole(answer, encode(saying.spoken, self._writer))
            else:
                await self._send_stream(answer, self._parts(scope, saying))

    def _new_answer(self, send: Send, result: str) -> Answer:
        return Answer(send, self._audio_headers(result))

    def _can_copy(self, source: FinishedRecording | Recording | None) -> bool:
        """Return whether the answer has the same bytes as the recording."""
        plain = not self._wanted.format.codec and not self._wanted.events
        return plain and source is not None and self._writer.sample_rate == source.sample_rate

    async def _send_finished(self, answer: Answer, recording: FinishedRecording) -> None:
        await answer.begin({}, recording.size - self._start)
        async for data in recording.chunks(self._start):
            await answer.send(data)
        await answer.end()

    async def _send_growing(self, answer: Answer, recording: Recording, result: str) -> None:
        offset = self._start
        while data := await recording.read(offset):
            if not answer.begun:
                await answer.begin(recording.timing if result == "miss" else {})
            await answer.send(data)
            offset += len(data)
        await answer.end()

    async def _send_stream(self, answer: Answer, parts: AsyncGenerator[EncodedPart, None]) -> None:
        async with aclosing(parts):
            async for part in parts:
                if not answer.begun:
                    await answer.begin(part.timing)
                await answer.send(part.data)
        await answer.end()

    async def _send_whole(self, answer: Answer, encoded: AsyncGenerator[EncodedPart, None]) -> None:
        async with aclosing(encoded):
            parts = [part async for part in encoded]
        bodies = [part.data for part in parts if part.data]
        length = sum(map(len, bodies))
        bodies[0] = self._writer.with_final_head(bodies[0])
        await answer.begin(parts[0].timing, length)
        for body in bodies:
            await answer.send(body)
        await answer.end()

    def _parts(self, scope: Scope, saying: LineInProgress) -> AsyncGenerator[EncodedPart, None]:
        parts = encode(saying.spoken, self._writer)
        if not self._wanted.events:
            return parts
        return sound_events(
            parts,
            lambda: usage_of(self._line.text, self._writer),
            lambda error: error_body(scope, refusal_of(error)),
            self._wanted.timestamps,
        )

    def _audio_headers(self, result: str) -> dict[str, str]:
        wanted = self._wanted.format
        plain = not wanted.codec
        headers = {
            "Content-Type": "text/event-stream" if self._wanted.events else wanted.content_type,
            "Cache-Control": "no-store",
            "X-Cache": result,
            "X-Accel-Buffering": "no",
            "X-Audio-Sample-Rate": str(self._writer.sample_rate),
            "X-Audio-Channels": "1",
            "X-Audio-Encoding": "pcm_s16le" if plain else wanted.name,
        }
        if plain:
            headers["X-Audio-Bits-Per-Sample"] = "16"
        return headers | notice_headers(self._line.notices)
