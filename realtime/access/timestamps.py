"""Times that clients write; it knows no clock. All are UTC or say how far they are from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

LEGACY_FORM = "%Y/%m/%d %H:%M:%S"
_MILLISECONDS = re.compile(r"[0-9]{1,15}")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_LEGACY = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(written: str) -> int | None:
    """Unix milliseconds of a written time; None when it is none of the three forms."""
    if _MILLISECONDS.fullmatch(written):
        return int(written)
    if _RFC_3339.fullmatch(written):
        return _read(written.upper())
    return legacy_milliseconds(written)


def legacy_milliseconds(written: str) -> int | None:
    """The published form, whole seconds without a zone: read as UTC wherever the server stands."""
    if not _LEGACY.fullmatch(written):
        return None
    return _read(written.replace("/", "-").replace(" ", "T") + "Z")


def _read(iso: str) -> int | None:
    try:
        passed = datetime.fromisoformat(iso) - _EPOCH
    except (ValueError, OverflowError):
        return None
    return passed.days * 86_400_000 + passed.seconds * 1_000 + passed.microseconds // 1_000
