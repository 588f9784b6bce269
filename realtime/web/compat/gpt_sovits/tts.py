"""GET and POST /tts, and the fork's ways to ask for a voice by its name."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.errors import BadRequest
from realtime.web.compat.gpt_sovits.errors import GptSovitsError
from realtime.web.compat.gpt_sovits.parameters import (
    MEDIA_TYPES,
    TTS_FIELDS,
    VOICE_FIELDS,
    TtsRequest,
    read_tts,
    read_voice_tts,
)
from realtime.web.compat.gpt_sovits.sound import TtsResponse
from realtime.web.compat.gpt_sovits.speakers import Speaker, find_speaker, find_voice
from realtime.web.compat.gpt_sovits.state import state_of
from realtime.web.compat.gpt_sovits.values import LooseField, sent_values, text_of
from realtime.web.openapi.error_codes import LINE_ERRORS, QUOTA_ERRORS, SYNTHESIS_ERRORS, codes
from realtime.web.openapi.operation import (
    BYTES,
    GPT_SOVITS,
    JSON,
    AnswerSpec,
    Body,
    Operation,
    Parameter,
)
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import Field
from realtime.web.requests.json_body import refuses_storing
from realtime.web.requests.services import account_of, services_of

AUDIO_FILE = LooseField("audio_file", "One of the voice's clips; another is ignored.")


async def speak(request: Request) -> Response:
    """Speak a text as the character that the reference clip stands for."""
    wanted = read_tts(await sent_values(request))
    chosen = state_of(request).chosen
    speaker = await find_speaker(services_of(request), wanted.clip, chosen)
    return await _spoken(request, wanted, speaker)


async def speak_with_voice(request: Request) -> Response:
    """Speak a text as a character that is named."""
    values = await sent_values(request)
    wanted = read_voice_tts(values)
    clip = text_of(values, "audio_file")
    return await _spoken(request, wanted, await find_voice(services_of(request), wanted.clip, clip))


async def _spoken(request: Request, wanted: TtsRequest, speaker: Speaker) -> Response:
    services, account, state = services_of(request), account_of(request), state_of(request)
    style = speaker.style
    if style is None:  # none is named: it is the one that was chosen for the voice
        style = state.styles.get(speaker.character or "", "")
    asked = wanted.line_request(speaker.character, style, services.settings)
    asked = replace(asked, engine=speaker.engine)
    line = await services.speech.line(asked)
    await account.charge_text(len(line.text))
    keep = not refuses_storing(request)
    return TtsResponse(services.speech, account, line, wanted, state.stats, keep)


ROUTES = [
    Route("/tts", speak, methods=["GET", "POST"]),
    Route("/tts_with_cached_voice", speak_with_voice, methods=["POST"]),
    Route("/tts_with_voice", speak_with_voice, methods=["POST"]),
]

SPOKEN = AnswerSpec(
    200,
    "The sound: one body, or as it is made, where an error breaks the body off.",
    {known.content_type: BYTES for known in MEDIA_TYPES.values()},
    headers=("X-Cache", "X-Audio-Sample-Rate", "X-Audio-Channels", "X-Audio-Encoding"),
    may_have=("X-Notice", "X-Audio-Bits-Per-Sample", "Server-Timing", "Content-Length"),
)
REFUSED = AnswerSpec(400, "A refusal in the words of GPT-SoVITS.", {JSON: GptSovitsError})
ERRORS = (
    LINE_ERRORS,
    QUOTA_ERRORS,
    SYNTHESIS_ERRORS,
    codes(BadRequest, "invalid_json"),
)
ABOUT = (
    "Values may come in the query, in a form, or as JSON of any content type, and each as a text. "
    "Unknown fields, nulls and lists are ignored. See docs/gpt_sovits_api.md."
)
TTS_EXAMPLE = {
    "text": "Hello there.",
    "text_lang": "en",
    "ref_audio_path": "clips/af_heart.wav",
    "prompt_lang": "en",
}
VOICE_EXAMPLE = {"voice_name": "af_heart", "text": "Hello there.", "text_lang": "en"}


def _posted(path: str, name: str, fields: tuple[Field, ...], example: dict[str, str]) -> Operation:
    return Operation(
        "POST",
        path,
        GPT_SOVITS,
        "Speak a text as GPT-SoVITS does",
        (SPOKEN, REFUSED),
        ERRORS,
        ABOUT,
        body=Body(FieldTable(name, fields, ignores_others=True), example),
    )


OPERATIONS = [
    Operation(
        "GET",
        "/tts",
        GPT_SOVITS,
        "Speak a text as GPT-SoVITS does",
        (SPOKEN, REFUSED),
        ERRORS,
        ABOUT,
        tuple(Parameter("query", field, TTS_EXAMPLE.get(field.name)) for field in TTS_FIELDS),
    ),
    _posted("/tts", "GptSovitsTts", TTS_FIELDS, TTS_EXAMPLE),
    _posted("/tts_with_cached_voice", "GptSovitsVoiceTts", VOICE_FIELDS, VOICE_EXAMPLE),
    _posted("/tts_with_voice", "GptSovitsClipTts", (*VOICE_FIELDS, AUDIO_FILE), VOICE_EXAMPLE),
]
