"""A guard with keys, clocks that a test sets, and requests signed as a client signs them."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from realtime.access import Clock, Credentials, Guard, Keys, SignedRequest
from realtime.access.client import signed_as
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import USE
from realtime.errors import YamabikoError
from realtime.settings import AudioSettings, AuthSettings, Settings

SECRET = "the-newest-secret-of-the-bot-0123456789-abc"
OLDER = "an-older-secret-of-the-bot-0123456789-abcde"
FOREIGN = "a-secret-that-nobody-here-knows-0123456-abc"
KEYS: Mapping[str, Sequence[str]] = {"bot": [OLDER, SECRET], "page": [SECRET[::-1]]}
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu")
START_MS = 1_790_000_000_000
SKEW_MS, SHIFT_MS = 5_000, 60_000


@dataclass
class Hands:
    """Clocks that move when a test says so."""

    ms: int = START_MS
    running: float = 1_000.0
    numbers: Any = field(default_factory=itertools.count)

    def pass_by(self, seconds: float) -> None:
        self.ms += round(1000 * seconds)
        self.running += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.ms, lambda: self.running, self.chance)

    def chance(self, size: int) -> str:
        return f"{next(self.numbers):022d}"


def made_guard(
    hands: Hands,
    keys: Mapping[str, Sequence[str]] = KEYS,
    url_days: float = 30.0,
    **auth: Any,
) -> Guard:
    """One that lets in what is signed now: the moment after its start is over."""
    settings = Settings(
        auth=replace(AuthSettings(), **auth), audio=AudioSettings(url_days=url_days)
    )
    guard = Guard(Keys(keys), settings, hands.clock())
    hands.pass_by(settings.auth.skew_seconds + 0.001)
    return guard


def asked(
    method: str = "POST", path: bytes = b"/lines", query: bytes = b"", body: bytes = b""
) -> SignedRequest:
    return SignedRequest(method, path, query, hashlib.sha256(body).hexdigest())


def shown(
    hands: Hands,
    request: SignedRequest,
    key_id: str = "bot",
    secret: str = SECRET,
    stamp: str | int | None = None,
    nonce: str | None = None,
) -> Credentials:
    written = str(hands.ms if stamp is None else stamp)
    return signed_as(
        request, key_id, SaltedSigner([secret], USE), written, nonce or hands.chance(16)
    )


def answer(call: Callable[..., object], *arguments: object) -> str:
    """`ok`, or the code of the refusal; anything else that is raised is a fault."""
    try:
        call(*arguments)
    except YamabikoError as error:
        return error.code
    return "ok"


@contextmanager
def standing_in(zone: str) -> Iterator[None]:
    """The machine's local time is that of a zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
