"""Addresses that are handed out; it knows no route but the one of recordings."""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.requests import HTTPConnection

from realtime.cache import Address
from realtime.errors import BadRequest
from realtime.services import Services
from realtime.web.requests.caller import caller_of

AUDIO = "/audio/"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


class Links:
    """Addresses for one caller: absolute, and signed with the caller's key where there is one."""

    def __init__(self, services: Services, connection: HTTPConnection) -> None:
        self._base = _base(services.settings.public_url, connection)
        self._addresses = services.guard.addresses
        self._key_id = caller_of(connection.scope).key_id
        self.expires_at = self._addresses.expires_ms() if self._key_id else None

    def to(self, address: Address, suffix: str) -> str:
        """The address of one file; a rate of its own stands in the query."""
        rate, _, name = suffix[1:].rpartition(".")
        path = f"{AUDIO}{address.quoted('.' + name)}"
        query = [f"rate={rate}"] if rate else []
        if self._key_id:
            query.append(self._addresses.query(self._key_id, unquote(path), rate, self.expires_at))
        return f"{self._base}{path}{'?' if query else ''}{'&'.join(query)}"


def _base(public_url: str, connection: HTTPConnection) -> str:
    """What absolute addresses begin with: the setting, else what the client called us."""
    if public_url:
        return public_url.rstrip("/")
    host = connection.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise BadRequest(
            "The Host header is missing or no name.",
            code="bad_host",
            hint="The setting public_url names the address for links.",
        )
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return f"{scheme}://{host}"
