"""A client that keeps its connection and knows whether an answer came whole."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Got:
    """An answer: what came of it, and whether its transfer says that this is all."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    whole: bool


class Refused(Exception):
    def __init__(self, got: Got) -> None:
        super().__init__(f"{got.status}: {got.body[:300]!r}")
        self.got = got


class Client:
    """One connection, kept open."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Got:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        self._connection.request("POST" if data else "GET", path, data, headers)
        answer = self._connection.getresponse()
        parts: list[bytes] = []
        try:
            while part := answer.read1(1 << 16):
                parts.append(part)
            ended = True
        except (http.client.HTTPException, OSError):
            ended = False
        answer.close()  # the connection stays, for the next request
        found = b"".join(parts)
        named = {name.lower(): value for name, value in answer.headers.items()}
        announced = named.get("content-length")
        whole = ended and (announced is None or len(found) == int(announced))
        if not whole:
            self._connection.close()
        return Got(answer.status, named, found, whole)

    def line(self, text: str, **fields: Any) -> Any:
        got = self.ask("/lines", {"text": text, "language": "en", "engine": "tone", **fields})
        if got.status != 200 or not got.whole:
            raise Refused(got)
        return json.loads(got.body)

    def sound(self, url: str) -> Got:
        parts = urlsplit(url)
        return self.ask(parts.path + (f"?{parts.query}" if parts.query else ""))
