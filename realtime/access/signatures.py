"""HMAC signatures with a key's secrets, by itsdangerous."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from itsdangerous import Signer

# Base64 of 32 bytes has two spare bits in its last character: only without them is it canonical.
SIGNATURE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class _CachedSigner(Signer):
    """A signer that derives each secret's key once: deriving is half of a signature's work."""

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        derived: dict[str | bytes | None, bytes] = self.__dict__.setdefault("_derived", {})
        if secret_key not in derived:
            derived[secret_key] = super().derive_key(secret_key)
        return derived[secret_key]


class SaltedSigner:
    """A signer for one use: the newest secret signs, each verifies, and the use is the salt."""

    def __init__(self, secrets: Sequence[str], use: str) -> None:
        self._signer = _CachedSigner(
            list(secrets),
            salt=f"yamabiko-{use}-v1".encode(),
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def sign(self, message: bytes) -> str:
        return self._signer.get_signature(message).decode("ascii")

    def verify(self, message: bytes, signature: str) -> bool:
        return is_well_formed(signature) and self._signer.verify_signature(message, signature)


def is_well_formed(signature: str) -> bool:
    """Return whether a signature is 32 bytes in canonical base64url."""
    return SIGNATURE.fullmatch(signature) is not None
