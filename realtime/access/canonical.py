"""The signed parts of a request as one string, which clients in every language can build."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

VERSION = b"v1"
SIGNATURE_FIELDS = frozenset((b"kid", b"t", b"n", b"sig"))  # of a query, instead of headers
_LEFT_OUT = frozenset(name.decode() for name in SIGNATURE_FIELDS)
_PLAIN = re.compile(rb"[A-Za-z0-9._~-]*")
EMPTY_BODY = hashlib.sha256(b"").hexdigest()


def canonical_query(raw: bytes) -> str:
    """Return the query sorted and encoded in one way, without the fields of the signature."""
    split = (part.partition(b"=") for part in raw.split(b"&") if part)
    pairs = sorted((_encoded(name), _encoded(value)) for name, _, value in split)
    return "&".join(f"{name}={value}" for name, value in pairs if name not in _LEFT_OUT)


def query_parts(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Return names and values with percent escapes decoded; a `+` stays a plus sign."""
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
    """Return the bytes to sign: path and query as in the request line, the time as it is sent."""
    first = (VERSION, method.upper().encode(), path, canonical_query(query).encode())
    rest = (key_id, time, nonce, body_sha256)
    return b"\n".join((*first, *(part.encode() for part in rest)))


def _encoded(part: bytes) -> str:
    if _PLAIN.fullmatch(part):  # most names and values, and far quicker than quoting
        return part.decode("ascii")
    return quote_from_bytes(unquote_to_bytes(part), safe="")
