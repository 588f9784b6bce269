"""The log: lines for people or JSON, the audit of requests, and the last warnings in memory.

A line that a request causes has the request's id, also when another thread writes it: the id is in
the context of the request's task, which is copied into the tasks and threads that work for it.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from realtime.settings import LogSettings

AUDIT = logging.getLogger("yamabiko.audit")
FIELDS = "fields"  # attribute of a log record that holds an audit event's fields
MOST_TROUBLES = 50
MOST_TROUBLE_LENGTH = 500  # characters of one remembered message

_request: ContextVar[str] = ContextVar("request", default="")


def name_request(id: str) -> None:
    """Give this id to all that is logged from here on in this task, and in those that it starts."""
    _request.set(id)


def configure(settings: LogSettings) -> None:
    """Set the root logger up: its level, and text or JSON on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines())
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)


class TextLines(logging.Formatter):
    """A formatter for people; a request's id stands in each line, also in those of a trace."""

    def __init__(self) -> None:
        super().__init__("%(levelname).1s %(name)s%(mark)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        id = _request.get()
        record.mark = f" [{id}]" if id else ""
        text = super().format(record)
        return text.replace("\n", f"\n[{id}] ") if id else text


class JsonLines(logging.Formatter):
    """A formatter that writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **({"request": id} if (id := _request.get()) else {}),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def audit(event: str, **fields: str) -> None:
    """Log who did what, and why it was refused; give it no secret and no text of a line."""
    if not AUDIT.isEnabledFor(logging.INFO):
        return
    words = " ".join(f"{name}={value}" for name, value in fields.items())
    AUDIT.info("%s %s", event, words, extra={FIELDS: {"event": event, **fields}})


@dataclass(frozen=True)
class Trouble:
    """A warning or an error of the log, as the status page shows it."""

    time_ms: int
    level: str
    message: str
    request: str | None = None  # the id of the request that caused it


class Troubles(logging.Handler):
    """The last warnings and errors of the log, in memory; without stack traces."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: deque[Trouble] = deque(maxlen=MOST_TROUBLES)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # The arguments do not fit the format: a fault of its own, which must not hide this one.
            message = str(record.msg)
        shortened = message[:MOST_TROUBLE_LENGTH]
        at_ms, request = round(1000 * record.created), _request.get() or None
        self._last.append(Trouble(at_ms, record.levelname, shortened, request))

    def last(self) -> list[Trouble]:
        """Return what was remembered, the newest first."""
        return list(reversed(self._last.copy()))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Remember what is logged inside this block."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)
