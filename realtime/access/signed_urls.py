"""Addresses of recordings that whoever has them may open, until they expire; it knows no web."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from urllib.parse import parse_qsl

from realtime.access.clock import Clock
from realtime.access.keys import Keys
from realtime.errors import Refused

USE = "audio"
TAG = 6  # characters that tell whose signature it is, so that one key is tried and not all
SIGNED = re.compile(r"[A-Za-z0-9_-]{49}")
EXPIRY = re.compile(r"0|[1-9][0-9]{0,14}")
RATE = re.compile(r"[0-9]{0,6}")
FIELDS = {"rate", "e", "s"}  # and no other: nothing may be hung onto what was signed
DAY_MS = 86_400_000
MOST_KNOWN = 4_096  # addresses whose signature was seen to be good


class SignedAddresses:
    """Signs paths with their rate and expiry, and verifies them."""

    def __init__(self, keys: Keys, clock: Clock, days: float) -> None:
        self._keys = keys
        self._clock = clock
        self._days = days
        self._ids: dict[str, list[str]] = {}
        for key_id in keys.ids:
            self._ids.setdefault(_tag(key_id), []).append(key_id)
        self._known: OrderedDict[tuple[str, bytes], float] = OrderedDict()

    def expires_ms(self) -> int | None:
        """When an address made now expires; None: never."""
        return self._clock.now_ms() + round(DAY_MS * self._days) if self._days else None

    def query(self, key_id: str, path: str, rate: str, expires_ms: int | None) -> str:
        """What makes a path one that anybody may open; the path as a person reads it, decoded."""
        expiry = str(expires_ms or 0)
        signature = self._keys.seal(key_id, USE).sign(_message(path, rate, expiry))
        return f"e={expiry}&s={_tag(key_id)}{signature}"

    def known(self, path: str, query: bytes) -> bool:
        """Whether it was checked before and holds still; costs next to nothing."""
        until = self._known.get((path, query))
        return until is not None and self._clock.now_ms() < until

    def check(self, path: str, query: bytes) -> None:
        """Refuse what was not signed here, or is past its time."""
        fields = self._fields(query)
        expiry, signed, rate = fields.get("e", ""), fields.get("s", ""), fields.get("rate", "")
        if not (EXPIRY.fullmatch(expiry) and SIGNED.fullmatch(signed) and RATE.fullmatch(rate)):
            raise _bad()
        tag, signature = signed[:TAG], signed[TAG:]
        message = _message(path, rate, expiry)
        seals = (self._keys.seal(key_id, USE) for key_id in self._ids.get(tag, ()))
        if not any(seal.verifies(message, signature) for seal in seals):
            raise _bad()
        until = int(expiry) or float("inf")
        if self._clock.now_ms() >= until:
            raise Refused(
                "The address's time is over.",
                code="stale",
                hint="Ask for the line again: a recording that is kept gets a new address at once.",
            )
        self._known[path, query] = until
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def _fields(self, query: bytes) -> dict[str, str]:
        pairs = parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True)
        fields = dict(pairs)
        if len(fields) != len(pairs) or not FIELDS.issuperset(fields):
            raise _bad()
        return fields


def _message(path: str, rate: str, expiry: str) -> bytes:
    """Rate and expiry are digits: whatever stands in the path, no two messages are the same."""
    return "\n".join((path, rate, expiry)).encode("utf-8", "surrogatepass")


def _tag(key_id: str) -> str:
    return hashlib.sha256(f"{USE} {key_id}".encode()).hexdigest()[:TAG]


def _bad() -> Refused:
    return Refused(
        "The address is not signed by this server, or was changed.",
        code="bad_signature",
        hint="Use addresses exactly as they were given.",
    )
