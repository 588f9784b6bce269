"""Notices about a line as a header of its answer."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from realtime.speech.notices import LineNotice

UNQUOTED = "!#$&+-.^_`|~"  # in an extended value (RFC 8187, section 3.2.1)


def notice_headers(notices: Iterable[LineNotice]) -> dict[str, str]:
    """Return the header `X-Notice`: codes, each with its message; none where all is well."""
    values = [f"{notice.code}; {_parameter('message', notice.message)}" for notice in notices]
    return {"X-Notice": ", ".join(values)} if values else {}


def _parameter(name: str, text: str) -> str:
    """Write a parameter: quoted, or extended where the text has more than ASCII."""
    if text.isascii() and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}="{escaped}"'
    return f"{name}*=UTF-8''{quote(text, safe=UNQUOTED)}"
