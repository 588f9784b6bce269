"""A server with keys, and requests signed as a client signs them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from realtime.access import string_to_sign
from realtime.access.signatures import SaltedSigner
from realtime.services import Services, build
from realtime.settings import Settings
from tests.support.signed_requests import FakeTime

__all__ = ["OTHER", "SECRET", "FakeTime", "keyed_services", "signed_headers"]

SECRET = "bot-secret-bot-secret-bot-secret-bot-secret"
OTHER = "other-secret-other-secret-other-secret-oth1"


def keyed_services(settings: Settings, fake_time: FakeTime) -> Services:
    """Return services with the keys `bot` and `other`, which let in what is signed now.

    Keys of the settings come besides.
    """
    keyed = replace(settings, keys=(f"bot:{SECRET}", f"other:{OTHER}", *settings.keys))
    services = build(keyed, clock=fake_time.clock())
    fake_time.advance(6)
    return services


def signed_headers(
    fake_time: FakeTime,
    method: str,
    target: str,
    body: bytes = b"",
    key_id: str = "bot",
    secret: str = SECRET,
    **changed: str,
) -> dict[str, str]:
    """Return the headers of a signed request; named parts are replaced after signing."""
    path, _, query = target.partition("?")
    time, nonce = str(fake_time.ms), fake_time.random_text(16)
    digest = hashlib.sha256(body).hexdigest()
    message = string_to_sign(method, path.encode(), query.encode(), key_id, time, nonce, digest)
    parts = {
        "Key": key_id,
        "Time": time,
        "Nonce": nonce,
        "Signature": SaltedSigner([secret], "request").sign(message),
    } | changed
    return {f"X-Yamabiko-{name}": value for name, value in parts.items()}
