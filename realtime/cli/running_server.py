"""The server that runs with these settings, asked by a command of the same machine."""

from __future__ import annotations

import hashlib
import http.client
import json
from typing import Any

from realtime.access import SignedRequest
from realtime.access.client import sign, signature_headers
from realtime.access.keys import load_keys
from realtime.access.roles import OPERATOR
from realtime.access.signed_requests import USE
from realtime.errors import BadRequest, Unavailable, YamabikoError
from realtime.settings import Settings

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
PATIENCE_SECONDS = 600.0  # a model of several gigabytes is loaded from a slow disk


class RunningServer:
    """A client of the server; its requests are signed where there are keys."""

    def __init__(self, settings: Settings) -> None:
        self._host = ANYWHERE.get(settings.host, settings.host)
        self._port = settings.port
        self._keys = load_keys(settings.auth.keys_path, settings.keys)

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, content: object) -> Any:
        return self._ask("POST", path, json.dumps(content).encode())

    def answers(self) -> bool:
        """Tell whether a server listens there."""
        try:
            return bool(self.get("/health").get("status") == "healthy")
        except (YamabikoError, AttributeError):
            return False

    def _ask(self, method: str, path: str, body: bytes = b"") -> Any:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE_SECONDS)
        headers = {"Content-Type": "application/json", **self._signature(method, path, body)}
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(
                f"No server answers at {self._host}:{self._port}: {error}",
                hint="Start it: python server.py serve",
            ) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise _refusal(answer.status, content)
        return content

    def _signature(self, method: str, path: str, body: bytes) -> dict[str, str]:
        if not self._keys:
            return {}
        target, _, query = path.partition("?")
        digest = hashlib.sha256(body).hexdigest()
        request = SignedRequest(method, target.encode(), query.encode(), digest)
        key_id = self._best_key()
        signer = self._keys.signer(key_id, USE)
        return dict(signature_headers(sign(request, key_id, signer)))

    def _best_key(self) -> str:
        """Return an operator's key where there is one: a listener may not manage models."""
        ids = self._keys.ids
        return next((each for each in ids if self._keys.role(each) == OPERATOR), ids[0])


def _refusal(status: int, content: Any) -> YamabikoError:
    error = content.get("error", {}) if isinstance(content, dict) else {}
    message = error.get("message") or f"The server answers with status {status}."
    code = error.get("code")
    return BadRequest(message, code=code, hint=error.get("hint"))
