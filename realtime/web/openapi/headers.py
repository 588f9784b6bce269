"""Headers of answers, as the API's document describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime.audio.formats import FORMATS
from realtime.web.requests.field_types import Schema

REQUEST_ID = "X-Request-ID"
RETRY_AFTER = "Retry-After"


def _header(about: str, **schema: Any) -> Schema:
    return {"description": about, "schema": schema}


def _text(about: str, **more: Any) -> Schema:
    return _header(about, type="string", **more)


def _whole(about: str) -> Schema:
    return _header(about, type="integer", minimum=0)


HEADERS: Mapping[str, Schema] = {
    REQUEST_ID: _text("The request's id, under which the log tells of it."),
    RETRY_AFTER: _whole("Seconds after which the same request may succeed."),
    "WWW-Authenticate": _text("The kind of credentials that is expected."),
    "X-Cache": _text(
        "Whether the line was spoken before, grows just now, or is spoken for this request.",
        enum=["hit", "join", "miss"],
    ),
    "X-Audio-Sample-Rate": _whole("Samples a second, in Hz."),
    "X-Audio-Channels": _header("Channels: always one.", type="integer", const=1),
    "X-Audio-Encoding": _text("The samples' encoding.", enum=["pcm_s16le", *FORMATS]),
    "X-Audio-Bits-Per-Sample": _whole("Bits of a sample, of wav and pcm."),
    "X-Notice": _text("Notices about the line: each a code with a message."),
    "Server-Timing": _text("Milliseconds: `text`, `queue` and `first_audio`."),
    "Content-Length": _whole("Bytes of the body, where they are known."),
    "Content-Disposition": _text("The name under which it is saved."),
    "Content-Range": _text("Which bytes of the file these are."),
    "Accept-Ranges": _text("That ranges of bytes can be asked for.", const="bytes"),
    "ETag": _text("The entity tag of the file."),
    "Cache-Control": _text("How long the answer may be kept."),
    "Last-Modified": _text("When the file was changed last."),
    "Upgrade": _text("The protocol that is spoken here.", const="websocket"),
    "Set-Cookie": _text("The page's cookie."),
}
# A page from elsewhere may read them where it may call the server. Browsers keep the cookie to
# themselves, and an upgrade is none of a page's requests.
READ_BY_PAGES = [name for name in HEADERS if name not in ("Set-Cookie", "Upgrade")]
