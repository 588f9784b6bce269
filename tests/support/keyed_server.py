"""A server with keys, and requests signed as a client signs them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from realtime.access import string_to_sign
from realtime.access.signatures import SaltedSigner
from realtime.services import Services, build
from realtime.settings import Settings
from tests.support.signed_requests import Hands

__all__ = ["OTHER", "SECRET", "Hands", "signed", "with_keys"]

SECRET = "bot-secret-bot-secret-bot-secret-bot-secret"
OTHER = "other-secret-other-secret-other-secret-oth1"


def with_keys(settings: Settings, hands: Hands) -> Services:
    """Services whose keys are bot's and other's; the time in which nothing may pass is over."""
    keyed = replace(settings, keys=(f"bot:{SECRET}", f"other:{OTHER}"))
    services = build(keyed, clock=hands.clock())
    hands.pass_by(6)
    return services


def signed(
    hands: Hands,
    method: str,
    target: str,
    body: bytes = b"",
    key_id: str = "bot",
    secret: str = SECRET,
    **changed: str,
) -> dict[str, str]:
    """The headers of a signed request; named parts are replaced after signing."""
    path, _, query = target.partition("?")
    time, nonce = str(hands.ms), hands.chance(16)
    digest = hashlib.sha256(body).hexdigest()
    message = string_to_sign(method, path.encode(), query.encode(), key_id, time, nonce, digest)
    parts = {
        "Key": key_id,
        "Time": time,
        "Nonce": nonce,
        "Signature": SaltedSigner([secret], "request").sign(message),
    } | changed
    return {f"X-Yamabiko-{name}": value for name, value in parts.items()}
