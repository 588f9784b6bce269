"""A guard with keys, clocks that a test sets, and requests signed as a client signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from realtime.access import Clock, Credentials, Guard, Keys, SignedRequest
from realtime.access.client import sign_with
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import USE
from realtime.errors import YamabikoError
from realtime.settings import AudioSettings, AuthSettings, Settings

SECRET = "the-newest-secret-of-the-bot-0123456789-abc"
OLDER = "an-older-secret-of-the-bot-0123456789-abcde"
FOREIGN = "a-secret-that-nobody-here-knows-0123456-abc"
KEYS: Mapping[str, Sequence[str]] = {"bot": [OLDER, SECRET], "page": [SECRET[::-1]]}
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu")
LEGACY_FORM = "%Y/%m/%d %H:%M:%S"  # of times, as old clients write them
START_MS = 1_790_000_000_000
SKEW_MS, SHIFT_MS = 5_000, 60_000


@dataclass
class FakeTime:
    """Clocks that move when a test says so, and random texts that are counted."""

    ms: int = START_MS
    monotonic: float = 1_000.0
    numbers: Any = field(default_factory=itertools.count)

    def advance(self, seconds: float) -> None:
        self.ms += round(1000 * seconds)
        self.monotonic += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.ms, lambda: self.monotonic, self.random_text)

    def random_text(self, size: int) -> str:
        return f"{next(self.numbers):022d}"


def make_guard(
    fake_time: FakeTime,
    keys: Mapping[str, Sequence[str]] = KEYS,
    url_days: float = 30.0,
    **auth: Any,
) -> Guard:
    """Return a guard that lets in what is signed now: the time after its start is over."""
    settings = Settings(
        auth=replace(AuthSettings(), **auth), audio=AudioSettings(url_days=url_days)
    )
    guard = Guard(Keys(keys), settings, fake_time.clock())
    fake_time.advance(settings.auth.skew_seconds + 0.001)
    return guard


def make_request(
    method: str = "POST", path: bytes = b"/lines", query: bytes = b"", body: bytes = b""
) -> SignedRequest:
    return SignedRequest(method, path, query, hashlib.sha256(body).hexdigest())


def sign_request(
    fake_time: FakeTime,
    request: SignedRequest,
    key_id: str = "bot",
    secret: str = SECRET,
    stamp: str | int | None = None,
    nonce: str | None = None,
) -> Credentials:
    written = str(fake_time.ms if stamp is None else stamp)
    return sign_with(
        request, key_id, SaltedSigner([secret], USE), written, nonce or fake_time.random_text(16)
    )


def documented_signature(secret: str, use: str, message: bytes) -> str:
    """Sign by the recipe of docs/signing.md, with nothing but HMAC."""
    key = hmac.new(secret.encode(), f"yamabiko-{use}-v1".encode(), hashlib.sha256).digest()
    digest = hmac.new(key, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def outcome(call: Callable[..., object], *arguments: object) -> str:
    """Return `ok`, or the code of the refusal; other exceptions are raised."""
    try:
        call(*arguments)
    except YamabikoError as error:
        return error.code
    return "ok"


@contextmanager
def local_time_zone(zone: str) -> Iterator[None]:
    """Set the machine's local time zone while the context lasts."""
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
