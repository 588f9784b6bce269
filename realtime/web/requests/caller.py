"""The caller of a request, as the authentication found it, in the request's scope."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from realtime.access.roles import OPERATOR, Role

SCOPE = "yamabiko.caller"


@dataclass(frozen=True)
class Caller:
    """The key that a request came with; its id is empty where no key is needed."""

    key_id: str = ""
    way: str = "open"  # signature | bearer | cookie | ticket | open
    signed_ms: int | None = None  # the time in a signed request, in Unix milliseconds
    role: Role = OPERATOR


def caller_of(scope: Scope) -> Caller:
    found: Caller = scope.get(SCOPE) or Caller()
    return found


def client_address(scope: Scope) -> str:
    """Return the IP address of the client; behind a trusted proxy uvicorn has put it there."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def path_start(scope: Scope) -> str:
    """Return the first part of the path for the log: the rest may hold a text to be spoken."""
    return "/" + str(scope["path"]).lstrip("/").partition("/")[0][:40]
