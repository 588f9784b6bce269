"""POST /api/process: a recording in, the same in another voice out; it knows no engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from realtime.access.quotas import Account
from realtime.audio.decoding import AudioSource
from realtime.audio.encoding import ContainerWriter, EncodedPart, encode
from realtime.audio.formats import FORMATS, Format, format_named
from realtime.audio.samples import RATES
from realtime.audio.spoken import Spoken
from realtime.audio.wav import wav_size, with_true_header
from realtime.conversion.request import CONVERTER, VoiceChangeRequest
from realtime.conversion.voice_changer import VoiceChanger
from realtime.engines.voice_change import EFFECTS, RANGES
from realtime.errors import BadRequest, NothingToSay, WrongContentType
from realtime.services import Services
from realtime.speech.line import ASKABLE
from realtime.web.answers.sending import Answer, answer_unless_gone
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import content_type_of
from realtime.web.requests.services import account_of, services_of

logger = logging.getLogger(__name__)

NUMBERS = ("pitch", "formant", "breath", "gate")
WORDS = ("engine", "character", "format", "effect", "model", "language")
FIELDS = ("audio", *WORDS, "sample_rate", *NUMBERS)
MOST_FIELD_BYTES = 4_096


async def process(request: Request) -> Response:
    account = account_of(request)
    await account.check_sound()
    form = await form_of(request)
    try:
        return await response_to(form, services_of(request), account)
    except BaseException:
        await form.close()
        raise


async def response_to(form: FormData, services: Services, account: Account) -> Response:
    fields = Fields(values_of(form))
    fields.only(FIELDS)
    found = format_named(fields.text("format") or "wav", "format")
    rate = fields.number_of("sample_rate", RATES)
    asked = disguise_of(fields)
    most_seconds = 60 * services.settings.limits.upload_minutes
    source = await asyncio.to_thread(AudioSource, file_of(form), most_seconds)
    return ProcessedResponse(services.voice_changer, account, asked, source, found, rate)


async def form_of(request: Request) -> FormData:
    """The parts of the body; a large file waits on the disk, without a name."""
    if content_type_of(request) != "multipart/form-data":
        named = request.headers.get("content-type", "")[:100]
        raise WrongContentType(
            f"The content type is {named!r}; multipart/form-data is expected.",
            hint="With curl: -F audio=@recording.wav",
        )
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=1,
        max_fields=len(FIELDS),
        max_part_size=MOST_FIELD_BYTES,
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise BadRequest(f"The form cannot be read: {error.message}") from error


def file_of(form: FormData) -> BinaryIO:
    audio = form.get("audio")
    if not isinstance(audio, UploadFile):
        raise BadRequest(
            "No audio was uploaded.",
            code="no_audio",
            hint="Send a file in the field audio; with curl: -F audio=@recording.wav",
            field="audio",
        )
    if not audio.filename:
        raise BadRequest("The file's name is empty.", code="empty_name", field="audio")
    return cast("SpooledTemporaryFile[bytes]", audio.file)  # type: ignore[return-value]


def values_of(form: FormData) -> Mapping[str, object]:
    """The fields as JSON would have them: forms know only texts, and leave open what is empty."""
    values: dict[str, object] = {}
    for name, value in form.multi_items():
        if name in values:
            raise BadRequest(f"The field {name[:60]!r} comes twice.", field=name[:60])
        if name in (*NUMBERS, "sample_rate") and isinstance(value, str):
            values[name] = _number(value)
        else:
            values[name] = value or None
    return values


def _number(text: str) -> float | str | None:
    try:
        number = float(text)
    except ValueError:
        return text or None
    return int(number) if number.is_integer() else number


def disguise_of(fields: Fields) -> VoiceChangeRequest:
    return VoiceChangeRequest(
        engine=fields.text("engine") or CONVERTER,
        character=fields.text("character"),
        effect=fields.one_of("effect", EFFECTS, "none"),
        model=fields.text("model") or "",
        language=fields.one_of("language", ASKABLE, "auto"),
        **{name: fields.number(name, *RANGES[name]) for name in NUMBERS},
    )


class ProcessedResponse(Response):
    """Converts while it is sent; a client that goes away ends both."""

    def __init__(
        self,
        voice_changer: VoiceChanger,
        account: Account,
        asked: VoiceChangeRequest,
        source: AudioSource,
        found: Format,
        rate: int | None,
    ) -> None:
        super().__init__()
        self._voice_changer, self._account = voice_changer, account
        self._asked, self._source = asked, source
        wanted = rate or source.rate
        self._tape = ContainerWriter(found, found.rate_for(wanted), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answer_unless_gone(self._answer(send), scope, receive)
        finally:
            self._source.close()
            await self._account.charge_sound(self._tape.seconds)

    async def _answer(self, send: Send) -> None:
        answer = Answer(send, self._described())
        length = self._known_length()
        try:
            async with aclosing(encode(self._converted(), self._tape)) as parts:
                async for part in parts:
                    data = part.data
                    if not answer.begun:
                        await answer.begin({}, length)
                        data = self._headed(part, length)
                    await answer.send(data)
        except NothingToSay as error:
            raise BadRequest("The audio holds no sound.", code="bad_audio") from error
        await answer.end()

    async def _converted(self) -> AsyncIterator[Spoken]:
        coming = self._source.async_parts()
        rate = self._tape.sample_rate
        sound = self._voice_changer.recording(self._asked, coming, self._source.rate, rate)
        async with aclosing(coming), aclosing(sound) as parts:
            async for pcm in parts:
                yield Spoken(pcm, ())

    def _known_length(self) -> int | None:
        """Of what is copied sample by sample, where the source says how many there are."""
        if self._source.samples is None or self._tape.format.codec or self._asked.by_words:
            return None
        samples = round(self._source.samples * self._tape.sample_rate / self._source.rate)
        return wav_size(samples) if self._tape.format is FORMATS["wav"] else 2 * samples

    def _headed(self, part: EncodedPart, length: int | None) -> bytes:
        """The first part, with the true sizes in its head where they are known."""
        if length is None or self._tape.format is not FORMATS["wav"]:
            return part.data
        return with_true_header(part.data, self._tape.sample_rate, length)

    def _described(self) -> dict[str, str]:
        found = self._tape.format
        return {
            "Content-Type": found.content_type,
            "Content-Disposition": f'attachment; filename="processed_audio{found.suffix}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            "X-Audio-Sample-Rate": str(self._tape.sample_rate),
        }


ROUTES = [Route("/api/process", process, methods=["POST"])]
