"""POST /api/process: a recording in, the same in another voice out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from tempfile import SpooledTemporaryFile

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from realtime.access.quotas import Account
from realtime.audio.decoding import NAMED, AudioSource
from realtime.audio.encoding import ContainerWriter, EncodedPart, encode
from realtime.audio.formats import FORMATS, Format
from realtime.audio.samples import RATES
from realtime.audio.spoken import Spoken
from realtime.audio.wav import wav_size, with_true_header
from realtime.conversion.denoising import DENOISING
from realtime.conversion.request import CONVERTER, REVOICE, VoiceChangeRequest
from realtime.conversion.voice_changer import VoiceChanger
from realtime.engines.voice_change import EFFECTS, RANGES
from realtime.errors import (
    BadRequest,
    NothingToSay,
    SynthesisFailed,
    TooLarge,
    WrongContentType,
)
from realtime.services import Services
from realtime.speech.line import ASKABLE
from realtime.threads import run_in_thread
from realtime.web.answers.converted_archive import ZIP, ConvertedArchive
from realtime.web.answers.sending import Answer, answer_unless_gone
from realtime.web.openapi.error_codes import (
    ENGINE_ERRORS,
    FORM_ERRORS,
    LINE_ERRORS,
    OPENING_ERRORS,
    codes,
)
from realtime.web.openapi.operation import (
    BYTES,
    CONVERSION,
    FORM,
    SOUND,
    AnswerSpec,
    Body,
    Operation,
)
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import (
    ChoiceField,
    FilesField,
    FormatField,
    NumberChoiceField,
    NumberField,
    OptionsField,
    TextField,
)
from realtime.web.requests.fields import Fields
from realtime.web.requests.services import account_of, services_of
from realtime.web.requests.upload_form import audio_files_of, read_form, values_of
from realtime.web.requests.uploaded_recordings import (
    DecodingBudget,
    open_recording,
    open_recordings,
)


def _engines(services: Services) -> list[str]:
    return [*services.models.converters(), REVOICE]


def _most_files(services: Services) -> int:
    return services.settings.limits.upload_files


AUDIO = FilesField(
    "audio",
    f"A file with sound: {NAMED}. Its content decides, not its name. Several come one by one.",
    _most_files,
)
ENGINE = TextField(
    "engine",
    f"The engine that converts; without it the one whose voice the character is, else {CONVERTER}.",
    choices=_engines,
)
CHARACTER = TextField("character", "The character whose voice it gets.")
MODEL = TextField("model", "A model of an engine with several; without it the only one.")
LANGUAGE = ChoiceField("language", "The language that is spoken, for `revoice`.", ASKABLE, "auto")
EFFECT = ChoiceField("effect", "An effect besides.", EFFECTS, "none")
PITCH = NumberField("pitch", "In semitones, instead of the character's.", *RANGES["pitch"])
FORMANT = NumberField("formant", "The factor of the formants.", *RANGES["formant"])
BREATH = NumberField("breath", "How breathy it is.", *RANGES["breath"])
GATE = NumberField("gate", "In dBFS: quieter sound is silenced.", *RANGES["gate"])
OPTIONS = OptionsField(
    "options",
    "Options of the engine, as a JSON object; one that it lacks is refused.",
    converts=True,
)
DENOISE = ChoiceField("denoise", "Whether noise is taken out first.", DENOISING, "off")
FORMAT = FormatField("format", "The container format of the answer.", "wav")
SAMPLE_RATE = NumberChoiceField("sample_rate", "In Hz; without it the recording's.", RATES)
UPLOAD = FieldTable(
    "Upload",
    (
        *(AUDIO, ENGINE, CHARACTER, MODEL, LANGUAGE, PITCH, FORMANT, BREATH, EFFECT, GATE),
        *(DENOISE, OPTIONS, FORMAT, SAMPLE_RATE),
    ),
)

IN_MEMORY_BYTES = 1 << 20  # of an answer that is sent when it is whole; a longer one is on the disk
BLOCK_BYTES = 1 << 16


async def process(request: Request) -> Response:
    """Answer with the uploaded recording in another voice, converted while it is sent."""
    account = account_of(request)
    await account.check_sound()
    services = services_of(request)
    form = await read_form(request, UPLOAD, _most_files(services))
    try:
        return await _response_to(form, services, account)
    except BaseException:
        await form.close()  # where all is well, the response closes the files when it is sent
        raise


async def _response_to(form: FormData, services: Services, account: Account) -> Response:
    fields = UPLOAD.open(values_of(form, UPLOAD))
    wanted, rate = FORMAT.read(fields), SAMPLE_RATE.read(fields)
    change = _voice_change_request(fields)
    files, settings = audio_files_of(form), services.settings
    most_seconds = 60 * settings.limits.upload_minutes
    if len(files) == 1:
        source = await asyncio.to_thread(open_recording, files[0], most_seconds, settings)
        return ConvertedResponse(services.voice_changer, account, change, source, wanted, rate)
    uploads = await asyncio.to_thread(open_recordings, files, settings)
    budget = DecodingBudget(most_seconds)
    return ConvertedArchive(services.voice_changer, account, change, uploads, budget, wanted, rate)


def _voice_change_request(fields: Fields) -> VoiceChangeRequest:
    return VoiceChangeRequest(
        engine=ENGINE.read(fields) or "",
        character=CHARACTER.read(fields),
        effect=EFFECT.read(fields),
        model=MODEL.read(fields) or "",
        language=LANGUAGE.read(fields),
        pitch=PITCH.read(fields),
        formant=FORMANT.read(fields),
        breath=BREATH.read(fields),
        gate=GATE.read(fields),
        options=OPTIONS.read(fields),
        denoise=DENOISE.read(fields),
    )


class ConvertedResponse(Response):
    """A recording that is converted while it is sent; a client that leaves ends the conversion."""

    def __init__(
        self,
        voice_changer: VoiceChanger,
        account: Account,
        change: VoiceChangeRequest,
        source: AudioSource,
        wanted: Format,
        rate: int | None,
    ) -> None:
        super().__init__()
        self._voice_changer = voice_changer
        self._account = account
        self._change = change
        self._source = source
        self._writer = ContainerWriter(wanted, wanted.rate_for(rate or source.rate), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answer_unless_gone(self._answer, scope, receive, send)
        finally:
            self._source.close()
            await self._account.charge_sound(self._writer.seconds)

    async def _answer(self, send: Send) -> None:
        answer = Answer(send, self._audio_headers())
        length = self._known_length()
        try:
            async with aclosing(encode(self._converted(), self._writer)) as parts:
                if length is None and self._writer.format.states_length:
                    await self._send_whole(answer, parts)
                else:
                    await self._send_stream(answer, parts, length)
        except NothingToSay as error:
            raise BadRequest("The audio holds no sound.", code="bad_audio") from error
        await answer.end()

    async def _send_stream(
        self, answer: Answer, parts: AsyncGenerator[EncodedPart, None], length: int | None
    ) -> None:
        """Send the sound while it is converted."""
        async for part in parts:
            data = part.data
            if not answer.begun:
                await answer.begin({}, length)
                data = self._with_known_sizes(data, length)
            await answer.send(data)

    async def _send_whole(self, answer: Answer, parts: AsyncGenerator[EncodedPart, None]) -> None:
        """Send the file when it is whole: its head states a length that is known only then."""
        # Closed on this thread: a client that has all of it leaves at once, and ends what waits.
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            async for part in parts:
                await run_in_thread(file.write, part.data)
            length = file.tell()
            file.seek(0)
            file.write(self._writer.head)
            file.seek(0)
            await answer.begin({}, length)
            while data := await run_in_thread(file.read, BLOCK_BYTES):
                await answer.send(data)

    async def _converted(self) -> AsyncIterator[Spoken]:
        uploaded = self._source.async_parts()
        rate = self._writer.sample_rate
        converted = self._voice_changer.recording(self._change, uploaded, self._source.rate, rate)
        async with aclosing(uploaded), aclosing(converted):
            async for pcm in converted:
                yield Spoken(pcm, ())

    def _known_length(self) -> int | None:
        """Return the bytes of the answer; None where the source or the format leaves them open."""
        if self._source.samples is None or self._writer.format.codec or self._change.by_words:
            return None
        samples = round(self._source.samples * self._writer.sample_rate / self._source.rate)
        return wav_size(samples) if self._writer.format is FORMATS["wav"] else 2 * samples

    def _with_known_sizes(self, start: bytes, length: int | None) -> bytes:
        """Return the first bytes, with the true sizes in a WAV's header where they are known."""
        if length is None or self._writer.format is not FORMATS["wav"]:
            return start
        return with_true_header(start, self._writer.sample_rate, length)

    def _audio_headers(self) -> dict[str, str]:
        written = self._writer.format
        return {
            "Content-Type": written.content_type,
            "Content-Disposition": f'attachment; filename="processed_audio{written.suffix}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            "X-Audio-Sample-Rate": str(self._writer.sample_rate),
        }


ROUTES = [Route("/api/process", process, methods=["POST"])]
OPERATIONS = [
    Operation(
        "POST",
        "/api/process",
        CONVERSION,
        "Convert a recording into another voice",
        (
            AnswerSpec(
                200,
                "The converted recording, sent while it is made; a later error breaks it off. Of "
                "several recordings an archive with a file for each; `outcomes.json` in it tells "
                "of those that failed, where some did.",
                {**SOUND, ZIP: BYTES},
                headers=("Content-Disposition",),
                may_have=("Content-Length", "X-Audio-Sample-Rate"),
            ),
        ),
        (
            FORM_ERRORS,
            LINE_ERRORS,
            OPENING_ERRORS,
            ENGINE_ERRORS,
            codes(TooLarge, "recording_too_long"),
            codes(WrongContentType, "format_not_accepted"),
            codes(SynthesisFailed, "synthesis_failed", "conversion_failed", "bad_model"),
        ),
        "An empty field is the same as an absent one.",
        body=Body(UPLOAD, {"audio": ["hello.wav"], "character": "am_puck", "format": "mp3"}, FORM),
    )
]
