"""The client's side of signed requests: for the command `sign`, tests and benchmarks."""

from __future__ import annotations

from realtime.access.canonical import string_to_sign
from realtime.access.clock import Clock
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import Credentials, SignedRequest

NONCE_BYTES = 16
HEADERS = ("X-Yamabiko-Key", "X-Yamabiko-Time", "X-Yamabiko-Nonce", "X-Yamabiko-Signature")
QUERY = ("kid", "t", "n", "sig")


def sign(
    request: SignedRequest, key_id: str, signer: SaltedSigner, clock: Clock | None = None
) -> Credentials:
    """Sign a request for one use, now; the signer is the key's for requests."""
    clock = clock or Clock()
    time, nonce = str(clock.now_ms()), clock.random_text(NONCE_BYTES)
    return sign_with(request, key_id, signer, time, nonce)


def sign_with(
    request: SignedRequest, key_id: str, signer: SaltedSigner, time: str, nonce: str
) -> Credentials:
    """Sign a request with a given time and nonce."""
    message = string_to_sign(
        request.method, request.path, request.query, key_id, time, nonce, request.body_sha256
    )
    return Credentials(key_id, time, nonce, signer.sign(message))


def signature_headers(credentials: Credentials) -> dict[str, str]:
    return dict(zip(HEADERS, _parts(credentials), strict=True))


def signature_query(credentials: Credentials) -> dict[str, str]:
    """Return the query fields for clients that cannot set headers."""
    return dict(zip(QUERY, _parts(credentials), strict=True))


def _parts(credentials: Credentials) -> tuple[str, ...]:
    return credentials.key_id, credentials.time, credentials.nonce, credentials.signature
