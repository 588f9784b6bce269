"""GET /audio/…: recordings by their path, finished or growing.

It is a middleware before the router: a recording should cost little more than sending it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.audio.formats import FORMATS
from realtime.audio.samples import RATES
from realtime.cache import SIDECAR, WAV, Address, FinishedRecording, Recording, Sidecar, parse_path
from realtime.cache.address import FOLDERS, MODES
from realtime.cache.other_formats import suffix_of
from realtime.errors import BadRequest, NotFound, Refused, YamabikoError
from realtime.services import Services
from realtime.web.answers.error_body import Refusal
from realtime.web.answers.errors import ErrorResponse, refusal_of
from realtime.web.answers.links import AUDIO
from realtime.web.answers.recording import recording_not_found, send_recording
from realtime.web.openapi.error_codes import (
    OPENING_ERRORS,
    RECORDING_ERRORS,
    SYNTHESIS_ERRORS,
    codes,
)
from realtime.web.openapi.operation import (
    BYTES,
    JSON,
    RECORDINGS,
    SOUND,
    AnswerSpec,
    Operation,
    Parameter,
)
from realtime.web.requests.field_types import NumberChoiceField, TextField

MOST_PATHS = 4_096  # parsed paths that are remembered


class RecordingRoute:
    """Middleware that answers requests for recordings and passes on all others."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(AUDIO):
            return await self._app(scope, receive, send)
        try:
            if scope["method"] not in ("GET", "HEAD"):
                return await _refuse_method(scope, receive, send)
            parsed = parse_recording_path(scope["path"][len(AUDIO) :])
            if parsed is None:
                raise recording_not_found()
            address, suffix = parsed
            if scope["query_string"]:
                suffix = await self._with_rate(address, suffix, scope["query_string"])
            await send_recording(self._services, address, suffix, scope, receive, send)
        except YamabikoError as error:
            await ErrorResponse(scope, refusal_of(error))(scope, receive, send)

    async def _with_rate(self, address: Address, suffix: str, query: bytes) -> str:
        """Return the suffix of the file at the sample rate that the query names."""
        rate = dict(parse_qsl(query.decode("ascii", "replace"))).get("rate")
        if rate is None or suffix == SIDECAR:
            return suffix
        if rate not in map(str, RATES):
            raise BadRequest(
                f"rate is {rate[:20]!r}; there are: {', '.join(map(str, RATES))}.", field="rate"
            )
        async with self._services.cache.listen(address, WAV) as opened:
            if opened is None:
                raise recording_not_found()
            assert isinstance(opened.source, Recording | FinishedRecording), "a WAV has a rate"
            return suffix_of(FORMATS[suffix[1:]], int(rate), opened.source.sample_rate)


@lru_cache(maxsize=MOST_PATHS)
def parse_recording_path(path: str) -> tuple[Address, str] | None:
    """Return the address and the suffix in a path; None where a rate stands in it."""
    parsed = parse_path(path)
    if parsed is None or parsed[1].count(".") != 1:
        return None
    return parsed


async def _refuse_method(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = Refusal(
        405,
        "method_not_allowed",
        "Recordings are only read: GET or HEAD.",
        headers={"Allow": "GET, HEAD"},
    )
    await ErrorResponse(scope, refusal)(scope, receive, send)


FILE_HEADERS = ("Accept-Ranges", "ETag")
FILE_ANSWERS = (
    AnswerSpec(
        200,
        "The file; while it grows it is chunked, has no length, and ranges are ignored.",
        SOUND,
        headers=("Cache-Control", "X-Cache"),
        may_have=(*FILE_HEADERS, "Content-Length"),
    ),
    AnswerSpec(
        206,
        "The wanted ranges of the finished file.",
        {**SOUND, JSON: BYTES, "multipart/byteranges": BYTES},
        headers=("Cache-Control", "X-Cache", *FILE_HEADERS),
        may_have=("Content-Range",),
    ),
    AnswerSpec(304, "The client has this file.", headers=("ETag",)),
    AnswerSpec(412, "`If-Match` names another file."),
    AnswerSpec(416, "The file has no such range.", headers=("Content-Range",)),
)
FILE_ERRORS = (RECORDING_ERRORS, OPENING_ERRORS, SYNTHESIS_ERRORS)
FILE_PARAMETERS = tuple(
    Parameter("header", TextField(name, about))
    for name, about in (
        ("Range", "Ranges of bytes, at most eight."),
        ("If-Range", "The entity tag of the file whose ranges are wanted."),
        ("If-Match", "Entity tags, one of which the file must have."),
        ("If-None-Match", "Entity tags that the client has."),
    )
)
RATE = NumberChoiceField("rate", "In Hz; without it the recording's own.", RATES)
FILE_NAME = "`{text}-{key}.{format}`, or `.json` for the sidecar with the words and their times."
OPERATIONS = [
    Operation(
        "GET",
        "/audio/{language}/{character}/{mode}/{file}",
        RECORDINGS,
        "Get a recording, finished or still growing",
        (replace(FILE_ANSWERS[0], content={**SOUND, JSON: Sidecar}), *FILE_ANSWERS[1:]),
        (
            *FILE_ERRORS,
            codes(BadRequest),
            codes(NotFound, "recording_growing"),
            codes(Refused, "bad_signature", "stale", "unknown_key"),
        ),
        "Nothing is spoken for it. With keys, its URL is signed: `e` is when it expires, `s` the "
        "signature.",
        (
            Parameter("path", TextField("language", "Its language.", choices=FOLDERS), "en"),
            Parameter("path", TextField("character", "Its character."), "af_heart"),
            Parameter(
                "path", TextField("mode", "`long` with `longprompt`.", choices=MODES), "short"
            ),
            Parameter("path", TextField("file", FILE_NAME), "hello-6d518c6fde0d2bda.wav"),
            Parameter("query", RATE),
            *FILE_PARAMETERS,
        ),
    )
]
