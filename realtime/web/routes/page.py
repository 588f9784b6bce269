"""The page and its files, with the headers that keep other sites out of it."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from realtime.errors import NotFound
from realtime.web.openapi.error_codes import codes
from realtime.web.openapi.operation import (
    BYTES,
    HTML,
    PAGE,
    AnswerSpec,
    Operation,
    Parameter,
)
from realtime.web.requests.field_types import TextField

STATIC = Path(__file__).resolve().parents[3] / "static"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",  # browsers ask whether it is new, so a new version shows at once
}


class PageFiles(StaticFiles):
    """Files with the same headers as the page that loads them."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        return response


async def page(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers=HEADERS)


async def docs(request: Request) -> Response:
    """Answer with the page of the API; its code fetches the API's document."""
    return FileResponse(STATIC / "docs" / "index.html", headers=HEADERS)


ROUTES = [Route("/", page), Route("/docs", docs), Mount("/static", PageFiles(directory=STATIC))]
FILE_HEADERS = ("ETag", "Last-Modified")
OPERATIONS = [
    Operation(
        "GET",
        "/",
        PAGE,
        "Get the page",
        (AnswerSpec(200, "The page.", {HTML: str}, FILE_HEADERS),),
    ),
    Operation(
        "GET",
        "/docs",
        PAGE,
        "Get the page of the API",
        (AnswerSpec(200, "This document, to be read in a browser.", {HTML: str}, FILE_HEADERS),),
    ),
    Operation(
        "GET",
        "/static/{path}",
        PAGE,
        "Get a file of the page",
        (
            AnswerSpec(200, "The file.", {"*/*": BYTES}, FILE_HEADERS),
            AnswerSpec(304, "The file that the client has is the newest.", headers=("ETag",)),
        ),
        (codes(NotFound),),
        parameters=(
            Parameter("path", TextField("path", "The file; it may have slashes."), "main.js"),
        ),
    ),
]
