"""Several recordings in another voice, as an archive that is sent file by file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, closing
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from realtime.access.quotas import Account
from realtime.audio.decoding import AudioSource
from realtime.audio.formats import Format
from realtime.conversion.request import VoiceChangeRequest
from realtime.conversion.several_files import ConvertedPart, SourceRecording
from realtime.conversion.voice_changer import VoiceChanger
from realtime.errors import YamabikoError
from realtime.web.answers.encoded_file import EncodedFile
from realtime.web.answers.growing_archive import GrowingArchive
from realtime.web.answers.sending import Answer, answer_unless_gone
from realtime.web.requests.uploaded_recordings import DecodingBudget, UploadedRecording

ZIP = "application/zip"
HEADERS = {
    "Content-Type": ZIP,
    "Content-Disposition": 'attachment; filename="processed_audio.zip"',
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class ConvertedArchive(Response):
    """An archive with a file for each recording; one that fails is told in its last file.

    When all fail, the answer is the error of the first.
    """

    def __init__(
        self,
        voice_changer: VoiceChanger,
        account: Account,
        change: VoiceChangeRequest,
        uploads: Sequence[UploadedRecording],
        budget: DecodingBudget,
        wanted: Format,
        rate: int | None,
    ) -> None:
        super().__init__()
        self._account = account
        self._uploads, self._budget = uploads, budget
        self._format, self._rate = wanted, rate
        self._convert = partial(voice_changer.recordings, change)
        self._files: list[EncodedFile] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answer_unless_gone(self._answer, scope, receive, send)
        finally:
            for upload in self._uploads:
                upload.close()
            await self._account.charge_sound(sum(file.seconds for file in self._files))

    async def _answer(self, send: Send) -> None:
        answer = Answer(send, HEADERS)
        waiting: dict[int, EncodedFile | YamabikoError] = {}
        with closing(GrowingArchive(self._format.suffix)) as archive:
            async with aclosing(self._outcomes()) as outcomes:
                async for place, outcome in outcomes:
                    waiting[place] = outcome
                    while (turn := len(archive.outcomes)) in waiting:
                        await self._add(turn, waiting[turn], archive)
                        await _send_new(archive, answer)
            if not answer.begun:
                first = waiting[0]
                assert isinstance(first, YamabikoError), "a file would have been sent"
                raise first
            await archive.finish()
            await _send_new(archive, answer)
        await answer.end()

    async def _add(
        self, place: int, outcome: EncodedFile | YamabikoError, archive: GrowingArchive
    ) -> None:
        name = self._uploads[place].name
        if isinstance(outcome, YamabikoError):
            archive.add_error(name, outcome)
        else:
            await archive.add(name, outcome.content)
            await outcome.close()

    async def _outcomes(self) -> AsyncGenerator[tuple[int, EncodedFile | YamabikoError], None]:
        """Yield the place of each recording with its whole file or its error, as they come."""
        recordings: dict[int, SourceRecording] = {}
        for place, upload in enumerate(self._uploads):
            if isinstance(upload.opened, YamabikoError):
                yield place, upload.opened
            else:
                recordings[place] = self._recording(upload.opened)
        if not recordings:
            return
        places = list(recordings)
        making: dict[int, EncodedFile] = {}
        async with AsyncExitStack() as stack:
            converted = self._convert(list(recordings.values()))
            items = await stack.enter_async_context(aclosing(converted))
            async for item in items:
                place = places[item.place]
                if place not in making:
                    making[place] = await self._open_file(stack, recordings[place].output_rate)
                if isinstance(item, ConvertedPart):
                    await making[place].add(item.pcm)
                else:
                    yield place, await _outcome(making[place], item.error)

    def _recording(self, source: AudioSource) -> SourceRecording:
        rate = self._format.rate_for(self._rate or source.rate)
        parts = partial(self._budget.parts, source)
        return SourceRecording(parts, source.seconds, source.rate, rate)

    async def _open_file(self, stack: AsyncExitStack, rate: int) -> EncodedFile:
        file = EncodedFile(self._format, rate)
        self._files.append(file)
        stack.push_async_callback(file.close)
        await file.open()
        return file


async def _outcome(file: EncodedFile, error: YamabikoError | None) -> EncodedFile | YamabikoError:
    """Return the whole file, or the error for which there is none."""
    try:
        if error is None:
            await file.finish()
            return file
    except YamabikoError as failure:
        error = failure
    await file.close()
    return error


async def _send_new(archive: GrowingArchive, answer: Answer) -> None:
    """Send what was added to the archive; nothing before it has a file."""
    if not archive.has_files:
        return
    if not answer.begun:
        await answer.begin({})
    async with aclosing(archive.new_parts()) as parts:
        async for data in parts:
            await answer.send(data)
