"""POST /lines: a line in, an address out, at once; GET /lines/{key}: what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.audio.formats import Format, format_named
from realtime.audio.samples import RATES
from realtime.cache import SIDECAR, WAV, FinishedRecording
from realtime.cache.other_formats import suffix_of
from realtime.errors import NotFound
from realtime.services import Services
from realtime.speech.line import FASTEST, MOST_SEED, SLOWEST
from realtime.speech.request import LineRequest
from realtime.web.answers.links import Links
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.services import account_of, services_of

LINE_FIELDS = ("text", "character", "language", "noaccent", "longprompt", "speed", "seed", "engine")
FIELDS = (*LINE_FIELDS, "format", "sample_rate")


@dataclass(frozen=True)
class AskedLine:
    """A line and the form in which its recording is wanted."""

    wish: LineRequest
    format: Format
    sample_rate: int | None


def asked_line(body: Mapping[str, Any], allowed: Collection[str] = FIELDS) -> AskedLine:
    """The line in a body; a field that there is not is refused by its name."""
    fields = Fields(body)
    fields.only(allowed)
    wish = LineRequest(
        text=fields.needed_text("text"),
        character=fields.text("character"),
        language=fields.text("language") or "auto",
        noaccent=fields.flag("noaccent"),
        longprompt=fields.flag("longprompt"),
        speed=fields.number("speed", SLOWEST, FASTEST),
        seed=fields.whole("seed", 0, MOST_SEED) or 0,
        engine=fields.text("engine"),
    )
    found = format_named(fields.text("format") or "wav", field="format")
    return AskedLine(wish, found, fields.number_of("sample_rate", RATES))


async def ask(request: Request) -> Response:
    services, account = services_of(request), account_of(request)
    links = Links(services, request)
    asked = asked_line(await json_body(request))
    line = await services.speech.line(asked.wish)
    await account.charge_text(len(line.text))
    suffix = suffix_of(asked.format, asked.sample_rate, services.speech.sample_rate(line))
    async with services.speech.open(line, finish=True) as opened:
        address = opened.address
        account.charge_recording(opened.result, opened.source)
        kept = opened.source if isinstance(opened.source, FinishedRecording) else None
    return JSONResponse(
        {
            "url": links.to(address, suffix),
            "key": address.key,
            "status": opened.result,
            "duration": kept and kept.sidecar.duration,
            "timestamps_url": links.to(address, SIDECAR),
            "expires_at": links.expires_at,
        }
    )


async def state(request: Request) -> Response:
    services, links = services_of(request), Links(services_of(request), request)
    key = request.path_params["key"]
    address = services.cache.address(key)
    if address is None:
        raise NotFound(
            f"There is no recording with the key {key[:32]!r}.",
            code="recording_not_found",
            hint="Ask for the line again: it is spoken anew.",
        )
    found = {"key": key, "duration": None, "url": links.to(address, WAV), "error": None}
    return JSONResponse(found | await _state(services, key))


async def _state(services: Services, key: str) -> dict[str, Any]:
    address = services.cache.address(key)
    assert address is not None, "it was found a moment ago"
    if services.cache.growing(key) is None:
        kept = await services.cache.find_finished(address, WAV)
        if kept is not None:
            return {"state": "finished", "duration": kept.sidecar.duration}
        if key in services.cache.failures:
            error = services.cache.failures[key][1]
            told = {"code": error.code, "message": error.message, "hint": error.hint}
            return {"state": "failed", "error": told}
    return {"state": "growing"}


ROUTES = [
    Route("/lines", ask, methods=["POST"]),
    Route("/lines/{key}", state, methods=["GET"]),
]
