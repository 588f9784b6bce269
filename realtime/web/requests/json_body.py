"""A request's JSON body, and what its headers say of the body and of storing."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request

from realtime.errors import WrongContentType
from realtime.web.requests.fields import object_in

JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)


def refuses_storing(request: Request) -> bool:
    """Return whether the client asks that nothing of its request is kept."""
    directives = request.headers.get("cache-control", "").lower().split(",")
    return "no-store" in (directive.strip() for directive in directives)


def content_type_of(request: Request) -> str:
    """Return the content type without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; refuse other content types.

    A form of another site can be sent without asking this server, but not with the type of JSON.
    """
    if not JSON_TYPE.fullmatch(content_type_of(request)):
        content_type = request.headers.get("content-type", "")
        found = f"{content_type[:100]!r}" if content_type else "missing"
        raise WrongContentType(
            f"The content type is {found}; application/json is expected.",
            hint="Send the header Content-Type: application/json.",
        )
    return object_in(await request.body())
