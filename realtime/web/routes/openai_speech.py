"""POST /v1/audio/speech: a text in, a character's voice out, as in OpenAI's API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.web.answers.speech import SpeechResponse
from realtime.web.requests.json_body import json_body, refuses_storing
from realtime.web.requests.openai_speech import read_speech_request
from realtime.web.requests.services import account_of, services_of


async def speak(request: Request) -> Response:
    """Answer with a spoken text: as a stream, as events, or as one body."""
    services, account = services_of(request), account_of(request)
    body = await json_body(request)
    wanted = read_speech_request(body, services.models.synthesizers(), services.models.names())
    line = await services.speech.line(wanted.line_request)
    await account.charge_text(len(line.text))
    keep = not refuses_storing(request)
    return SpeechResponse(services.speech, account, line, wanted, keep)


ROUTES = [Route("/v1/audio/speech", speak, methods=["POST"])]
