"""URLs of recordings, as one caller gets them."""

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
    """URLs for one caller: absolute, and signed with the caller's key where there is one."""

    def __init__(self, services: Services, connection: HTTPConnection) -> None:
        self._base = _base(services.settings.public_url, connection)
        self._signed_urls = services.guard.urls
        self._key_id = caller_of(connection.scope).key_id
        self.expires_at = self._signed_urls.expires_ms() if self._key_id else None

    def url(self, address: Address, suffix: str) -> str:
        """Return the URL of one file; a sample rate in the suffix goes into the query."""
        rate, _, name = suffix[1:].rpartition(".")
        path = f"{AUDIO}{address.quoted('.' + name)}"
        query = [f"rate={rate}"] if rate else []
        if self._key_id:
            signature = self._signed_urls.sign(self._key_id, unquote(path), rate, self.expires_at)
            query.append(signature)
        return f"{self._base}{path}{'?' if query else ''}{'&'.join(query)}"


def _base(public_url: str, connection: HTTPConnection) -> str:
    """Return the start of absolute URLs: the setting, else the name that the client used."""
    if public_url:
        return public_url.rstrip("/")
    host = connection.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise BadRequest(
            "The Host header is missing, or it is not a host name.",
            code="bad_host",
            hint="The setting public_url names the address for links.",
        )
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return f"{scheme}://{host}"
