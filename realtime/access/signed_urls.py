"""Signed URLs of recordings: they open without a key until they expire."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from urllib.parse import parse_qsl

from realtime.access.clock import Clock
from realtime.access.keys import Keys
from realtime.errors import Refused

USE = "audio"
TAG = 6  # characters that name the key of a signature, so that not all keys are tried
SIGNED = re.compile(r"[A-Za-z0-9_-]{49}")
EXPIRY = re.compile(r"0|[1-9][0-9]{0,14}")
RATE = re.compile(r"[0-9]{0,6}")
FIELDS = {"rate", "e", "s"}  # no others: nothing may be added to a signed URL
DAY_MS = 86_400_000
MOST_CHECKED = 4_096  # URLs that are remembered because their signature is good


class SignedUrls:
    """The signatures of recordings' paths, with their sample rate and expiry."""

    def __init__(self, keys: Keys, clock: Clock, days: float) -> None:
        self._keys = keys
        self._clock = clock
        self._days = days
        self._ids: dict[str, list[str]] = {}
        for key_id in keys.ids:
            self._ids.setdefault(_tag(key_id), []).append(key_id)
        self._checked: OrderedDict[tuple[str, bytes], float] = OrderedDict()

    def expires_ms(self) -> int | None:
        """Return the expiry of a URL made now, in Unix milliseconds; None: it never expires."""
        return self._clock.now_ms() + round(DAY_MS * self._days) if self._days else None

    def sign(self, key_id: str, path: str, rate: str, expires_ms: int | None) -> str:
        """Return the query that opens a path for everybody; the path is given decoded."""
        expiry = str(expires_ms or 0)
        signature = self._keys.signer(key_id, USE).sign(_message(path, rate, expiry))
        return f"e={expiry}&s={_tag(key_id)}{signature}"

    def was_checked(self, path: str, query: bytes) -> bool:
        """Return whether `check` passed before and the URL has not expired since."""
        until = self._checked.get((path, query))
        return until is not None and self._clock.now_ms() < until

    def check(self, path: str, query: bytes) -> None:
        """Refuse a URL that was not signed here, or that has expired."""
        fields = self._fields(query)
        expiry, signed, rate = fields.get("e", ""), fields.get("s", ""), fields.get("rate", "")
        if not (EXPIRY.fullmatch(expiry) and SIGNED.fullmatch(signed) and RATE.fullmatch(rate)):
            raise _bad_signature()
        tag, signature = signed[:TAG], signed[TAG:]
        message = _message(path, rate, expiry)
        signers = (self._keys.signer(key_id, USE) for key_id in self._ids.get(tag, ()))
        if not any(signer.verify(message, signature) for signer in signers):
            raise _bad_signature()
        until = int(expiry) or float("inf")
        if self._clock.now_ms() >= until:
            raise Refused(
                "The address's time is over.",
                code="stale",
                hint="Ask for the line again: a recording that is kept gets a new address at once.",
            )
        self._checked[path, query] = until
        if len(self._checked) > MOST_CHECKED:
            self._checked.popitem(last=False)

    def _fields(self, query: bytes) -> dict[str, str]:
        pairs = parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True)
        fields = dict(pairs)
        if len(fields) != len(pairs) or not FIELDS.issuperset(fields):
            raise _bad_signature()
        return fields


def _message(path: str, rate: str, expiry: str) -> bytes:
    # Rate and expiry are digits, so no two URLs have the same message, whatever the path holds.
    return "\n".join((path, rate, expiry)).encode("utf-8", "surrogatepass")


def _tag(key_id: str) -> str:
    return hashlib.sha256(f"{USE} {key_id}".encode()).hexdigest()[:TAG]


def _bad_signature() -> Refused:
    return Refused(
        "The address is not signed by this server, or was changed.",
        code="bad_signature",
        hint="Use addresses exactly as they were given.",
    )
