"""A client of Yamabiko that signs its requests, with Python's standard library alone.

python signed.py http://127.0.0.1:8000 bot:SECRET "Hello there, traveller."
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote_from_bytes, unquote_to_bytes


def canonical_query(query: str) -> str:
    pairs = []
    for part in filter(None, query.encode().split(b"&")):
        name, _, value = part.partition(b"=")
        if unquote_to_bytes(name) not in (b"kid", b"t", b"n", b"sig"):
            pairs.append((encoded(name), encoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def encoded(part: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(part), safe="")


def string_to_sign(
    method: str, target: str, body: bytes, key_id: str, time_ms: str, nonce: str
) -> str:
    """Build the text to sign; `target` is the path and query of the request line."""
    path, _, query = target.partition("?")
    digest = hashlib.sha256(body).hexdigest()
    parts = ["v1", method.upper(), path, canonical_query(query), key_id, time_ms, nonce, digest]
    return "\n".join(parts)


def signature(secret: str, message: str) -> str:
    key = hmac.digest(secret.encode(), b"yamabiko-request-v1", "sha256")
    signed = hmac.digest(key, message.encode(), "sha256")
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


class Yamabiko:
    """A client of one server with one key, `id:secret`."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address.rstrip("/")
        self.key_id, _, self.secret = key.partition(":")
        self.offset_ms = 0  # how far the server's clock is ahead of ours

    def headers(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        """Sign one request: the headers are good once, and for about a minute."""
        time_ms = str(time.time_ns() // 1_000_000 + self.offset_ms)
        nonce = secrets.token_urlsafe(16)
        message = string_to_sign(method, target, body, self.key_id, time_ms, nonce)
        return {
            "X-Yamabiko-Key": self.key_id,
            "X-Yamabiko-Time": time_ms,
            "X-Yamabiko-Nonce": nonce,
            "X-Yamabiko-Signature": signature(self.secret, message),
        }

    def ask(self, method: str, target: str, body: bytes = b"") -> bytes:
        """Send a request and return the answer's body; correct our clock once if it is wrong."""
        try:
            return self._ask(method, target, body)
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
            reason = json.load(error)["error"]
            if reason["code"] not in ("stale", "future"):
                raise PermissionError(f"{reason['code']}: {reason['message']}") from error
            self.offset_ms = reason["now_ms"] - time.time_ns() // 1_000_000
        return self._ask(method, target, body)

    def _ask(self, method: str, target: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", **self.headers(method, target, body)}
        request = urllib.request.Request(
            self.address + target, body or None, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()


def main() -> None:
    address, key, text = sys.argv[1:]
    server = Yamabiko(address, key)
    line = json.loads(server.ask("POST", "/lines", json.dumps({"text": text}).encode()))
    print(line["url"])  # plays at once, without a key


if __name__ == "__main__":
    main()
