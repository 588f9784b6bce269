"""Who asks, as the gate found it; every handler can know it from the request's scope."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

SCOPE = "yamabiko.caller"


@dataclass(frozen=True)
class Caller:
    """A key that asks, or nobody in particular where none is needed."""

    key_id: str = ""
    way: str = "open"  # signature | bearer | cookie | ticket | open
    signed_ms: int | None = None  # the time that a signed request carries


def caller_of(scope: Scope) -> Caller:
    found: Caller = scope.get(SCOPE) or Caller()
    return found


def address_of(scope: Scope) -> str:
    """Where the request comes from; behind a trusted proxy, what that one says."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def door_of(scope: Scope) -> str:
    """The first part of the path: what follows may hold a text that somebody wants spoken."""
    return "/" + str(scope["path"]).lstrip("/").partition("/")[0][:40]
