"""Signed requests: shape, key, signature, time, nonce, in this order; it knows no HTTP."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from math import inf

from realtime.access.canonical import EMPTY_BODY, string_to_sign
from realtime.access.clock import Clock
from realtime.access.keys import ID, Keys, unknown_key
from realtime.access.nonces import Nonces
from realtime.access.signatures import well_formed
from realtime.access.timestamps import milliseconds
from realtime.errors import Refused

logger = logging.getLogger(__name__)

NONCE = re.compile(r"[A-Za-z0-9_-]{22,128}={0,2}")  # at least 16 bytes
METHOD = re.compile(r"[!-~]{1,32}")
USE = "request"


@dataclass(frozen=True)
class Credentials:
    """What a signed request says of itself."""

    key_id: str
    time: str
    nonce: str
    signature: str


@dataclass(frozen=True)
class SignedRequest:
    """What is asked, as it came over the wire."""

    method: str
    path: bytes
    query: bytes
    body_sha256: str = EMPTY_BODY


class Axes:
    """The two axes of time: the server's own, and one shifted into the past; both with a skew."""

    def __init__(self, clock: Clock, shift_s: float, skew_s: float) -> None:
        self.shift_s = shift_s
        self.skew_s = skew_s
        self.clock = clock
        self.opens_ms = clock.now_ms() + round(1000 * skew_s)  # what was signed before is refused
        self._shift_ms = round(1000 * shift_s)
        self._skew_ms = round(1000 * skew_s)

    @property
    def open(self) -> bool:
        """Whether what is signed now can pass."""
        return self.clock.now_ms() > self.opens_ms

    def check(self, stamp_ms: int, now_ms: int) -> None:
        if stamp_ms > now_ms + self._skew_ms:
            raise Refused(
                f"The request is from {_seconds(stamp_ms - now_ms)} in the future; "
                f"{self.skew_s:g} s are allowed.",
                code="future",
                hint="Correct your clock, or its offset from now_ms.",
            )
        if stamp_ms < now_ms - self._shift_ms - self._skew_ms:
            raise Refused(
                f"The request is {_seconds(now_ms - stamp_ms)} old; "
                f"{self.shift_s + self.skew_s:g} s are allowed.",
                code="stale",
                hint="Sign each request when it is sent; correct your clock's offset from now_ms.",
            )
        if stamp_ms <= self.opens_ms:
            raise Refused(
                "The request is from before this server's start, or from the moment after it.",
                code="stale",
                hint=f"Sign it again now; until {self.skew_s:g} s after the start none passes.",
            )

    def held_seconds(self, stamp_ms: int, now_ms: int) -> float:
        """How long a nonce with this stamp could still pass, and a skew longer."""
        return (stamp_ms - now_ms + self._shift_ms + 2 * self._skew_ms) / 1000


class Verifier:
    """Says whose a signed request is, once for each."""

    def __init__(self, keys: Keys, axes: Axes, nonces: Nonces) -> None:
        self._keys = keys
        self._axes = axes
        self._nonces = nonces
        self._ahead_ms = -inf  # the most that the wall clock was ahead of the running one
        self._notice_step(axes.clock.now_ms(), axes.clock.running())

    def stamp(self, credentials: Credentials) -> int:
        """The first two checks, which need no body: the shape, and whether there is such a key."""
        stamp_ms = milliseconds(credentials.time)
        wrong = {
            "key id": not ID.fullmatch(credentials.key_id),
            "time": stamp_ms is None,
            "nonce": not NONCE.fullmatch(credentials.nonce),
            "signature": not well_formed(credentials.signature),
        }
        if stamp_ms is None or any(wrong.values()):
            named = ", ".join(name for name, is_wrong in wrong.items() if is_wrong)
            raise Refused(
                f"The signed request has no usable {named}.",
                hint="docs/signing.md shows the exact form of each.",
            )
        if credentials.key_id not in self._keys:
            raise unknown_key(credentials.key_id)
        return stamp_ms

    def verify(self, credentials: Credentials, asked: SignedRequest) -> int:
        """All checks; the request's time in Unix milliseconds when it may pass."""
        stamp_ms = self.stamp(credentials)
        if not METHOD.fullmatch(asked.method) or b"\n" in asked.path:
            raise Refused("The method or the path has characters that no request line can have.")
        message = string_to_sign(
            asked.method,
            asked.path,
            asked.query,
            credentials.key_id,
            credentials.time,
            credentials.nonce,
            asked.body_sha256,
        )
        if not self._keys.seal(credentials.key_id, USE).verifies(message, credentials.signature):
            raise Refused(
                "The signature does not fit the request.",
                code="bad_signature",
                hint="docs/signing-vectors.json has requests to check a client with.",
            )
        self._check_time(credentials, stamp_ms)
        return stamp_ms

    def _check_time(self, credentials: Credentials, stamp_ms: int) -> None:
        clock = self._axes.clock
        now_ms, running = clock.now_ms(), clock.running()
        self._notice_step(now_ms, running)
        self._axes.check(stamp_ms, now_ms)
        until = running + self._axes.held_seconds(stamp_ms, now_ms)
        if not self._nonces.use(credentials.key_id, credentials.nonce, stamp_ms, until, running):
            raise Refused(
                "The request was already made: its nonce is used.",
                code="replayed",
                hint="Use a new nonce of at least 16 random bytes for each request.",
            )

    def _notice_step(self, now_ms: int, running: float) -> None:
        """A wall clock that was set back makes old stamps pass again: their nonces stay."""
        ahead_ms = now_ms - 1000 * running
        back_s = (self._ahead_ms - ahead_ms) / 1000
        if back_s > self._axes.skew_s:
            logger.warning("the wall clock went back by %.1f s; nonces are held longer", back_s)
            self._nonces.keep_longer(back_s)
            self._ahead_ms = ahead_ms
        self._ahead_ms = max(self._ahead_ms, ahead_ms)


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"
