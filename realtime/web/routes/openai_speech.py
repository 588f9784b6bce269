"""POST /v1/audio/speech: a text in, a character's voice out; it knows no engine and no file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.web.answers.speech import SpeechResponse
from realtime.web.requests.json_body import json_body, refuses_storing
from realtime.web.requests.openai_speech import asked_of
from realtime.web.requests.services import account_of, services_of


async def speak(request: Request) -> Response:
    services = services_of(request)
    body = await json_body(request)
    asked = asked_of(body, services.models.synthesizers(), services.models.names())
    line = await services.speech.line(asked.wish)
    account = account_of(request)
    await account.charge_text(len(line.text))
    keep = not refuses_storing(request)
    return SpeechResponse(services.speech, account, line, asked, keep)


ROUTES = [Route("/v1/audio/speech", speak, methods=["POST"])]
