"""The failure of a request in a host, as the server is told of it."""

from __future__ import annotations

import traceback

from realtime.engines.outside import protocol
from realtime.engines.outside.adapter import AdapterError

MOST_LOGGED = 2_000  # characters of a line


def failure(request: int, error: BaseException) -> protocol.Failed:
    """Describe an error for the server; the trace of an unexpected one goes to the log."""
    described = error if isinstance(error, AdapterError) else None
    if described is None:
        traceback.print_exception(type(error), error, error.__traceback__)
        text = f"{type(error).__name__}: {error}"[:MOST_LOGGED]
        return protocol.Failed(request, text)
    return protocol.Failed(
        request,
        described.message,
        described.kind,
        described.code,
        described.hint,
        described.field,
        described.retry_after,
    )
