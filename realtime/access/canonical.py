"""What of a request is signed, as one string that every client can build; it knows no secret."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

VERSION = b"v1"
SIGNATURE_FIELDS = frozenset((b"kid", b"t", b"n", b"sig"))  # where headers cannot be set
_LEFT_OUT = frozenset(name.decode() for name in SIGNATURE_FIELDS)
_PLAIN = re.compile(rb"[A-Za-z0-9._~-]*")
EMPTY_BODY = hashlib.sha256(b"").hexdigest()


def canonical_query(raw: bytes) -> str:
    """The query sorted and encoded in one way; the fields of the signature itself are left out."""
    split = (part.partition(b"=") for part in raw.split(b"&") if part)
    pairs = sorted((_encoded(name), _encoded(value)) for name, _, value in split)
    return "&".join(f"{name}={value}" for name, value in pairs if name not in _LEFT_OUT)


def query_parts(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values with percent escapes decoded and nothing else; `+` stays what it is."""
    split = (part.partition(b"=") for part in raw.split(b"&") if part)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in split]


def string_to_sign(
    method: str,
    path: bytes,
    query: bytes,
    key_id: str,
    time: str,
    nonce: str,
    body_sha256: str = EMPTY_BODY,
) -> bytes:
    """Path and query as the request line has them; the time as it is sent."""
    told = (key_id, time, nonce, body_sha256)
    head = (VERSION, method.upper().encode(), path, canonical_query(query).encode())
    return b"\n".join((*head, *(part.encode() for part in told)))


def _encoded(written: bytes) -> str:
    """Most names and values need nothing, and are then quick."""
    if _PLAIN.fullmatch(written):
        return written.decode("ascii")
    return quote_from_bytes(unquote_to_bytes(written), safe="")
