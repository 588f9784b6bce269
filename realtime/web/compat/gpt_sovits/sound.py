"""The sound of a line as GPT-SoVITS sends it, timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from realtime.access.quotas import Account
from realtime.audio.encoding import ContainerWriter
from realtime.audio.wav import wav_header
from realtime.speech.line import Line
from realtime.speech.speech import Speech
from realtime.web.answers.sending import Answer, is_broken_off
from realtime.web.answers.speech import SpeechResponse
from realtime.web.compat.gpt_sovits.parameters import MEDIA_TYPES, TtsRequest
from realtime.web.compat.gpt_sovits.performance_stats import PerformanceStats, RequestStopwatch
from realtime.web.requests.sound_form import SoundForm

T = TypeVar("T")


class TtsResponse(SpeechResponse):
    """A line that is spoken while it is sent, or sent as one body with its true length."""

    def __init__(
        self,
        speech: Speech,
        account: Account,
        line: Line,
        wanted: TtsRequest,
        stats: PerformanceStats,
        keep: bool = True,
    ) -> None:
        # The head of a growing WAV differs from ours: ours is cut off, and theirs goes before.
        sound = MEDIA_TYPES["raw"] if wanted.streams_wav else wanted.format
        form = SoundForm(format=sound, whole=not wanted.streamed)
        super().__init__(speech, account, line, form, keep)
        self._writer = self._timed_writer = _TimedWriter(sound, speech.sample_rate(line), None)
        self._streams_wav = wanted.streams_wav
        self._stats = stats
        self._stopwatch: RequestStopwatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._stats.request() as self._stopwatch:
            await super().__call__(scope, receive, send)
            self._stopwatch.failed = is_broken_off(scope)

    def _new_answer(self, send: Send, result: str) -> Answer:
        headers = self._audio_headers(result)
        head = b""
        if self._streams_wav:
            headers["Content-Type"] = MEDIA_TYPES["wav"].content_type
            head = wav_header(self._writer.sample_rate, 0)
        return _TimedAnswer(
            send, headers, head, self._stopwatch, result == "miss", self._timed_writer
        )


class _TimedWriter(ContainerWriter):
    """An encoder that counts the seconds of its work."""

    encoding_seconds = 0.0

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        began = time.monotonic()
        try:
            return await super()._run(function, *arguments)
        finally:
            self.encoding_seconds += time.monotonic() - began


class _TimedAnswer(Answer):
    """An answer with some bytes before its sound, which tells a stopwatch how it goes on."""

    def __init__(
        self,
        send: Send,
        headers: Mapping[str, str],
        head: bytes,
        stopwatch: RequestStopwatch,
        made_now: bool,
        writer: _TimedWriter,
    ) -> None:
        super().__init__(send, headers)
        self._head = head
        self._stopwatch = stopwatch
        self._made_now = made_now
        self._writer = writer

    async def begin(self, timing: Mapping[str, float], length: int | None = None) -> None:
        self._stopwatch.note_first_sound(timing, self._made_now)
        await super().begin(timing, None if length is None else length + len(self._head))
        await self.send(self._head)

    async def end(self) -> None:
        self._stopwatch.note_last_sound(self._writer.encoding_seconds)
        await super().end()
