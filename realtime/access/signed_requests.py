"""Signed requests: their form, key, signature, time and nonce are checked in this order."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from math import inf

from realtime.access.canonical import EMPTY_BODY, string_to_sign
from realtime.access.clock import Clock
from realtime.access.keys import ID, Keys, unknown_key
from realtime.access.nonces import Nonces
from realtime.access.signatures import is_well_formed
from realtime.access.timestamps import parse_milliseconds
from realtime.errors import Refused

logger = logging.getLogger(__name__)

NONCE = re.compile(r"[A-Za-z0-9_-]{22,128}={0,2}")  # at least 16 bytes
METHOD = re.compile(r"[!-~]{1,32}")
USE = "request"


@dataclass(frozen=True)
class Credentials:
    """The signature of a request, with its key id, time and nonce."""

    key_id: str
    time: str
    nonce: str
    signature: str


@dataclass(frozen=True)
class SignedRequest:
    """The signed parts of a request, as they came over the wire."""

    method: str
    path: bytes
    query: bytes
    body_sha256: str = EMPTY_BODY


class TimeWindow:
    """The time window in which a signed request passes.

    A request may be `shift_s` old, and `skew_s` more at both ends for clocks that differ. Requests
    from before the start are refused: their nonces may have been used before it.
    """

    def __init__(self, clock: Clock, shift_s: float, skew_s: float) -> None:
        self.shift_s = shift_s
        self.skew_s = skew_s
        self.clock = clock
        self.opens_ms = clock.now_ms() + round(1000 * skew_s)  # timestamps up to here are refused
        self._shift_ms = round(1000 * shift_s)
        self._skew_ms = round(1000 * skew_s)

    @property
    def is_open(self) -> bool:
        """Return whether a request that is signed now can pass."""
        return self.clock.now_ms() > self.opens_ms

    def check(self, stamp_ms: int, now_ms: int) -> None:
        """Refuse a timestamp outside the window."""
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
        """Return for how long a nonce must be kept: its request could pass, and a skew longer."""
        return (stamp_ms - now_ms + self._shift_ms + 2 * self._skew_ms) / 1000


class Verifier:
    """The checks of signed requests; each request passes once."""

    def __init__(self, keys: Keys, window: TimeWindow, nonces: Nonces) -> None:
        self._keys = keys
        self._window = window
        self._nonces = nonces
        self._ahead_ms = -inf  # the most that the wall clock was ahead of the monotonic one
        self._note_clock_step(window.clock.now_ms(), window.clock.monotonic())

    def check_form(self, credentials: Credentials) -> int:
        """Check the form and the key id, without the body; return the time in Unix milliseconds."""
        stamp_ms = parse_milliseconds(credentials.time)
        wrong = {
            "key id": not ID.fullmatch(credentials.key_id),
            "time": stamp_ms is None,
            "nonce": not NONCE.fullmatch(credentials.nonce),
            "signature": not is_well_formed(credentials.signature),
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

    def verify(self, credentials: Credentials, request: SignedRequest) -> int:
        """Make all checks; return the request's time in Unix milliseconds, or refuse it."""
        stamp_ms = self.check_form(credentials)
        if not METHOD.fullmatch(request.method) or b"\n" in request.path:
            raise Refused("The method or the path has characters that no request line can have.")
        message = string_to_sign(
            request.method,
            request.path,
            request.query,
            credentials.key_id,
            credentials.time,
            credentials.nonce,
            request.body_sha256,
        )
        signer = self._keys.signer(credentials.key_id, USE)
        if not signer.verify(message, credentials.signature):
            raise Refused(
                "The signature does not fit the request.",
                code="bad_signature",
                hint="docs/signing-vectors.json has requests to check a client with.",
            )
        self._check_time(credentials, stamp_ms)
        return stamp_ms

    def _check_time(self, credentials: Credentials, stamp_ms: int) -> None:
        clock = self._window.clock
        now_ms, now = clock.now_ms(), clock.monotonic()
        self._note_clock_step(now_ms, now)
        self._window.check(stamp_ms, now_ms)
        until = now + self._window.held_seconds(stamp_ms, now_ms)
        if not self._nonces.use(credentials.key_id, credentials.nonce, stamp_ms, until, now):
            raise Refused(
                "The request was already made: its nonce is used.",
                code="replayed",
                hint="Use a new nonce of at least 16 random bytes for each request.",
            )

    def _note_clock_step(self, now_ms: int, now: float) -> None:
        """Keep nonces longer when the wall clock was set back: old timestamps would pass again."""
        ahead_ms = now_ms - 1000 * now
        back_s = (self._ahead_ms - ahead_ms) / 1000
        if back_s > self._window.skew_s:
            logger.warning("the wall clock went back by %.1f s; nonces are held longer", back_s)
            self._nonces.keep_longer(back_s)
            self._ahead_ms = ahead_ms
        self._ahead_ms = max(self._ahead_ms, ahead_ms)


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"
