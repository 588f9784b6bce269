"""Addresses that are handed out; it knows no route but the one of recordings."""

from __future__ import annotations

import re

from starlette.requests import Request

from realtime.cache import Address
from realtime.errors import BadRequest
from realtime.web.incoming import services_of

AUDIO = "/audio/"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


def base_of(request: Request) -> str:
    """What absolute addresses begin with: the setting, else what the client called us."""
    configured = services_of(request).settings.public_url
    if configured:
        return configured.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise BadRequest(
            "The Host header is missing or no name.",
            code="bad_host",
            hint="The setting public_url names the address for links.",
        )
    return f"{request.url.scheme}://{host}"


def link(base: str, address: Address, suffix: str) -> str:
    """The address of one file; a rate of its own stands in the query."""
    rate, _, name = suffix[1:].rpartition(".")
    return f"{base}{AUDIO}{address.quoted('.' + name)}" + (f"?rate={rate}" if rate else "")
