"""POST /v1/audio/speech: a text in, a character's voice out, as in OpenAI's API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.web.answers.speech import SpeechResponse
from realtime.web.openapi.error_codes import (
    FORMAT_ERRORS,
    JSON_ERRORS,
    LINE_ERRORS,
    SYNTHESIS_ERRORS,
)
from realtime.web.openapi.operation import (
    BYTES,
    SOUND,
    SPEECH,
    AnswerSpec,
    Body,
    Operation,
    Parameter,
)
from realtime.web.requests.field_types import TextField
from realtime.web.requests.json_body import json_body, refuses_storing
from realtime.web.requests.openai_speech import SPEECH as BODY
from realtime.web.requests.openai_speech import read_speech_request
from realtime.web.requests.services import account_of, services_of


async def speak(request: Request) -> Response:
    """Answer with a spoken text: as a stream, as events, or as one body."""
    services, account = services_of(request), account_of(request)
    body = await json_body(request)
    await services.models.look(kind="speak")  # `model` may name one that was brought just now
    wanted = read_speech_request(body, services.models.synthesizers(), services.models.names())
    line = await services.speech.line(wanted.line_request)
    await account.charge_text(len(line.text))
    keep = not refuses_storing(request)
    return SpeechResponse(services.speech, account, line, wanted, keep)


ROUTES = [Route("/v1/audio/speech", speak, methods=["POST"])]
OPERATIONS = [
    Operation(
        "POST",
        "/v1/audio/speech",
        SPEECH,
        "Speak a text, as in OpenAI's API",
        (
            AnswerSpec(
                200,
                "The sound, from its first part on; an error after that breaks the body off.",
                {**SOUND, "text/event-stream": BYTES},
                headers=("X-Cache", "X-Audio-Sample-Rate", "X-Audio-Channels", "X-Audio-Encoding"),
                may_have=("X-Notice", "X-Audio-Bits-Per-Sample", "Server-Timing", "Content-Length"),
            ),
        ),
        (JSON_ERRORS, LINE_ERRORS, FORMAT_ERRORS, SYNTHESIS_ERRORS),
        "Unknown fields are ignored. With `stream_format: sse` each event is one line of JSON: "
        "`speech.audio.delta` with sound in Base64, `speech.audio.timestamps` with words, "
        "`speech.audio.done` with the usage, or `error`.",
        (
            Parameter(
                "header",
                TextField("Cache-Control", "`no-store`: it is spoken anew, and nothing is kept."),
            ),
        ),
        Body(BODY, {"input": "Hello there.", "voice": "af_heart", "response_format": "mp3"}),
    )
]
