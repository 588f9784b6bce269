"""The other end: what a client does to sign a request; it knows no HTTP."""

from __future__ import annotations

from realtime.access.canonical import string_to_sign
from realtime.access.clock import Clock
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import Credentials, SignedRequest

NONCE_BYTES = 16
HEADERS = ("X-Yamabiko-Key", "X-Yamabiko-Time", "X-Yamabiko-Nonce", "X-Yamabiko-Signature")
QUERY = ("kid", "t", "n", "sig")


def signed(
    asked: SignedRequest, key_id: str, seal: SaltedSigner, clock: Clock | None = None
) -> Credentials:
    """Good for one use, now; the seal is the key's for requests."""
    clock = clock or Clock()
    return signed_as(asked, key_id, seal, str(clock.now_ms()), clock.chance(NONCE_BYTES))


def signed_as(
    asked: SignedRequest, key_id: str, seal: SaltedSigner, time: str, nonce: str
) -> Credentials:
    """With a time and a nonce of one's own."""
    message = string_to_sign(
        asked.method, asked.path, asked.query, key_id, time, nonce, asked.body_sha256
    )
    return Credentials(key_id, time, nonce, seal.sign(message))


def headers(shown: Credentials) -> dict[str, str]:
    return dict(zip(HEADERS, _parts(shown), strict=True))


def query(shown: Credentials) -> dict[str, str]:
    """For where headers cannot be set."""
    return dict(zip(QUERY, _parts(shown), strict=True))


def _parts(shown: Credentials) -> tuple[str, ...]:
    return shown.key_id, shown.time, shown.nonce, shown.signature
