"""Signatures of one use over some secrets; the only file that imports itsdangerous."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from itsdangerous import Signer

# Base64 of 32 bytes has two spare bits in its last character: only without them is it canonical.
SIGNATURE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class _CachedSigner(Signer):
    """Derives each secret's key once: that is half of the work of a signature."""

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        derived: dict[str | bytes | None, bytes] = self.__dict__.setdefault("_derived", {})
        if secret_key not in derived:
            derived[secret_key] = super().derive_key(secret_key)
        return derived[secret_key]


class SaltedSigner:
    """Signs with the newest secret and verifies with each; every use has a salt of its own."""

    def __init__(self, secrets: Sequence[str], use: str) -> None:
        self._signer = _CachedSigner(
            list(secrets),
            salt=f"yamabiko-{use}-v1".encode(),
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def sign(self, message: bytes) -> str:
        return self._signer.get_signature(message).decode("ascii")

    def verifies(self, message: bytes, signature: str) -> bool:
        return well_formed(signature) and self._signer.verify_signature(message, signature)


def well_formed(signature: str) -> bool:
    """Whether it is the one way to write some 32 bytes."""
    return SIGNATURE.fullmatch(signature) is not None
