"""POST /generate: the contract of chat and game bots, kept to the letter."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.access.timestamps import parse_legacy_milliseconds
from realtime.cache import WAV, GrowingRecording
from realtime.errors import BadRequest, NotFound, Refused, Unavailable
from realtime.services import Services
from realtime.speech.line import ASKABLE
from realtime.speech.request import LineRequest
from realtime.web.answers.error_body import BotsBody, bots_body
from realtime.web.answers.links import Links
from realtime.web.answers.notices import notice_headers
from realtime.web.openapi.error_codes import (
    JSON_ERRORS,
    LINE_ERRORS,
    LINK_ERRORS,
    SYNTHESIS_ERRORS,
    codes,
)
from realtime.web.openapi.operation import SPEECH, Body, Operation, json_answer
from realtime.web.requests.caller import Caller, caller_of
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FlagField, NeededTextField, TextField
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.line import LONGPROMPT, NOACCENT, most_text
from realtime.web.requests.services import account_of, services_of

TEXT_PROMPT = NeededTextField("textPrompt", "The text that is spoken.", 1, most_text)
CHARACTER = NeededTextField("character", "A character's name or alias.")
LANGUAGE = NeededTextField("language", "The text's language.", choices=ASKABLE)
WAIT = FlagField("wait", "Whether the answer comes when the recording is finished.", True)
POSTTIME = TextField("posttime", "The time of the signature: YYYY/MM/DD hh:mm:ss, in UTC.")
BODY = FieldTable(
    "BotsLine",
    (TEXT_PROMPT, CHARACTER, LANGUAGE, NOACCENT, LONGPROMPT, WAIT, POSTTIME),
    ignores_others=True,
)


async def generate(request: Request) -> Response:
    """Answer when the recording is finished, or at once when `wait` is false."""
    services, account = services_of(request), account_of(request)
    links = Links(services, request)
    fields = BODY.open(await json_body(request))
    check_posttime(POSTTIME.read(fields), caller_of(request.scope), services)
    waits = WAIT.read(fields)
    line = await services.speech.line(_line_request(fields, services))
    await account.charge_text(len(line.text))
    async with services.speech.open(line, finish=True) as opened:
        url = links.url(opened.address, WAV)
        account.charge_recording(opened.result, opened.source)
        # Built before the wait: many may wait for the same recording, and all wake at once.
        body = bots_body(request.scope, 200, url=url)
        answer = JSONResponse(body, headers=notice_headers(line.notices))
        if waits and isinstance(opened.source, GrowingRecording):
            await _wait_until_kept(opened.source)
    return answer


def _line_request(fields: Fields, services: Services) -> LineRequest:
    """Read the line; errors come in the order that bots know: language, character, text."""
    text = TEXT_PROMPT.read(fields)
    character, language = CHARACTER.read(fields), LANGUAGE.read(fields)
    if language not in ASKABLE:
        raise BadRequest("Language not supported", code="unknown_language")
    try:
        services.characters.get(character)
    except (NotFound, BadRequest) as error:
        raise NotFound("Character not found", code="character_not_found") from error
    return LineRequest(
        text=text,
        character=character,
        language=language,
        noaccent=NOACCENT.read(fields),
        longprompt=LONGPROMPT.read(fields),
    )


def check_posttime(written: str | None, caller: Caller, services: Services) -> None:
    """Check the time as old bots write it: it must be that of the signature, where there is one."""
    if written is None:
        return
    posted_ms = parse_legacy_milliseconds(written)
    if posted_ms is None:
        raise BadRequest(
            f"posttime is {written[:40]!r}; it is written YYYY/MM/DD hh:mm:ss, in UTC.",
            field="posttime",
        )
    apart_ms = 0 if caller.signed_ms is None else abs(posted_ms - caller.signed_ms)
    if apart_ms > 1000 * services.guard.window.skew_s:
        raise Refused("posttime is not the time of the signature.", code="stale")


async def _wait_until_kept(growing: GrowingRecording) -> None:
    """Wait until the recording is whole and kept; raise the error where it failed."""
    if await growing.wait_until_settled():
        return
    if growing.error is not None:
        raise growing.error.copy()
    raise Unavailable("The recording could not be kept.", code="cannot_keep")


ROUTES = [Route("/generate", generate, methods=["POST"])]
OPERATIONS = [
    Operation(
        "POST",
        "/generate",
        SPEECH,
        "Speak a text for a chat or game bot",
        (
            json_answer(
                BotsBody,
                "The URL of the recording, when it is finished or at once.",
                {
                    "audioURL": "http://127.0.0.1:8000/audio/en/af_heart/short/"
                    "hello-6d518c6fde0d2bda.wav",
                    "code": 200,
                    "error": None,
                },
                may_have=("X-Notice",),
            ),
        ),
        (
            JSON_ERRORS,
            LINE_ERRORS,
            LINK_ERRORS,
            SYNTHESIS_ERRORS,
            codes(Refused, "stale"),
            codes(Unavailable, "cannot_keep"),
        ),
        "The contract that bots were written for; see docs/bots.md. Unknown fields are ignored.",
        body=Body(BODY, {"textPrompt": "Hello.", "character": "af_heart", "language": "en"}),
    )
]
