"""An HTTP client that keeps its connection and tells whether an answer was whole."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """An answer; `whole` tells whether the transfer came to its end."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    whole: bool


class Refused(Exception):
    """An answer with another status than 200, or a cut one."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}: {answer.body[:300]!r}")
        self.answer = answer


class Client:
    """A connection that is kept open."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        self._connection.request("POST" if data else "GET", path, data, headers)
        response = self._connection.getresponse()
        parts: list[bytes] = []
        try:
            while part := response.read1(1 << 16):
                parts.append(part)
            ended = True
        except (http.client.HTTPException, OSError):
            ended = False
        response.close()  # the connection stays, for the next request
        found = b"".join(parts)
        named = {name.lower(): value for name, value in response.headers.items()}
        announced = named.get("content-length")
        whole = ended and (announced is None or len(found) == int(announced))
        if not whole:
            self._connection.close()
        return Answer(response.status, named, found, whole)

    def line(self, text: str, **fields: Any) -> Any:
        answer = self.ask("/lines", {"text": text, "language": "en", "engine": "tone", **fields})
        if answer.status != 200 or not answer.whole:
            raise Refused(answer)
        return json.loads(answer.body)

    def sound(self, url: str) -> Answer:
        parts = urlsplit(url)
        return self.ask(parts.path + (f"?{parts.query}" if parts.query else ""))
