"""GET /openapi.json: every operation of this server, with its bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.services import Services
from realtime.web.openapi.document import make_document
from realtime.web.openapi.operation import JSON, PAGE, Operation, json_answer
from realtime.web.requests.services import services_of


class ApiDocument:
    """The document of an application: it is written when it is asked for first."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self._written: bytes | None = None

    def written(self, services: Services) -> bytes:
        """Return the document as JSON."""
        if self._written is None:
            document = make_document(self._operations, services)
            self._written = json.dumps(document, ensure_ascii=False).encode()
        return self._written


async def openapi(request: Request) -> Response:
    document: ApiDocument = request.app.state.document
    # In a thread: the first time it takes a while.
    written = await asyncio.to_thread(document.written, services_of(request))
    return Response(written, media_type=JSON, headers={"Cache-Control": "no-cache"})


ROUTES = [Route("/openapi.json", openapi)]
OPERATIONS = [
    Operation(
        "GET",
        "/openapi.json",
        PAGE,
        "Get this document",
        (json_answer(dict, "The document, as OpenAPI 3.1."),),
    )
]
