"""Times that clients write: in UTC, or with their offset from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MILLISECONDS = re.compile(r"[0-9]{1,15}")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_LEGACY = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_milliseconds(text: str) -> int | None:
    """Return the Unix milliseconds of a time in one of the three forms; else None."""
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    if _RFC_3339.fullmatch(text):
        return _parse_iso(text.upper())
    return parse_legacy_milliseconds(text)


def parse_legacy_milliseconds(text: str) -> int | None:
    """Return the Unix milliseconds of the published form: whole seconds, read as UTC; else None."""
    if not _LEGACY.fullmatch(text):
        return None
    return _parse_iso(text.replace("/", "-").replace(" ", "T") + "Z")


def _parse_iso(iso: str) -> int | None:
    try:
        passed = datetime.fromisoformat(iso) - _EPOCH
    except (ValueError, OverflowError):
        return None
    return passed.days * 86_400_000 + passed.seconds * 1_000 + passed.microseconds // 1_000
