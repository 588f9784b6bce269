"""Preconditions and byte ranges as in RFC 9110, sections 13 and 14.

The answer is decided from a few headers, the entity tag and the size alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MOST_RANGES = 8  # of one request: no player asks for more, and each costs a read
CONDITIONAL = (b"range", b"if-range", b"if-match", b"if-none-match")

_TAGS = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_SPEC = re.compile(r"(?P<first>\d*)-(?P<last>\d*)")
_HUGE = 10**18  # beyond every file; Python's int() refuses numbers of over 4,300 digits


@dataclass(frozen=True)
class ByteRange:
    """A span of bytes."""

    start: int
    end: int  # of the first byte after it

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Decision:
    """A status and what it sends: 200 the whole, 206 the spans, 304, 412 and 416 no body."""

    status: int
    spans: tuple[ByteRange, ...] = ()


def decide(headers: Mapping[str, str], method: str, tag: str, size: int) -> Decision:
    """Decide on the answer for a file with this strong entity tag (with its quotes)."""
    # Section 13.2.2 gives the order: If-Match, then If-None-Match, then If-Range with Range.
    wanted, known = headers.get("if-match"), headers.get("if-none-match")
    if wanted is not None and not _matches(wanted, tag, weak=False):
        return Decision(412)
    if known is not None and _matches(known, tag, weak=True):
        return Decision(304)
    ranges = headers.get("range")
    if method != "GET" or ranges is None or headers.get("if-range", tag).strip() != tag:
        return Decision(200)
    spans = parse_ranges(ranges, size)
    # Section 14.2 lets a server ignore Range: overlapping spans would send more than the file.
    if spans is None or len(spans) > MOST_RANGES or sum(span.size for span in spans) > size:
        return Decision(200)
    return Decision(206, tuple(spans)) if spans else Decision(416)


def parse_ranges(header: str, size: int) -> list[ByteRange] | None:
    """Return the spans that a file of this size has, in order; None for an invalid header."""
    unit, equals, listed = header.partition("=")
    if unit.strip().lower() != "bytes" or not equals:
        return None
    parts = [part.strip(" \t") for part in listed.split(",")]
    specs = [_SPEC.fullmatch(part) for part in parts if part]
    spans = []
    for spec in specs:
        if spec is None or spec.group() == "-":
            return None
        first, last = _number(spec["first"]), _number(spec["last"])
        if first is not None and last is not None and last < first:
            return None
        span = _span(first, last, size)
        if span.size > 0:
            spans.append(span)
    return spans if specs else None


def content_range(span: ByteRange | None, size: int) -> str:
    return f"bytes */{size}" if span is None else f"bytes {span.start}-{span.end - 1}/{size}"


def _span(first: int | None, last: int | None, size: int) -> ByteRange:
    if first is None:
        return ByteRange(max(0, size - (last or 0)), size)
    end = size if last is None else min(last + 1, size)
    return ByteRange(first, max(first, end))


def _number(digits: str) -> int | None:
    if not digits:
        return None
    return _HUGE if len(digits) > 18 else int(digits)


def _matches(header: str, tag: str, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    tags = _TAGS.findall(header)
    if weak:
        tags = [each.removeprefix("W/") for each in tags]
    return tag in tags
