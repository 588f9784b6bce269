"""The log: lines for people or JSON, and the audit of who came; it knows nobody who writes."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from realtime.settings import LogSettings

AUDIT = logging.getLogger("yamabiko.audit")
FIELDS = "fields"  # what a record carries besides its message


def configure(settings: LogSettings) -> None:
    handler = logging.StreamHandler()
    text = logging.Formatter("%(levelname).1s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if settings.format == "json" else text)
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def audit(event: str, **fields: str) -> None:
    """Who did what and why not; never a secret, never a text that somebody wants spoken."""
    if not AUDIT.isEnabledFor(logging.INFO):
        return
    told = " ".join(f"{name}={value}" for name, value in fields.items())
    AUDIT.info("%s %s", event, told, extra={FIELDS: {"event": event, **fields}})
