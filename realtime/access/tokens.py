"""Signed tokens that only this server reads: a key id, an expiry and an id of their own."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from realtime.access.signatures import SaltedSigner
from realtime.errors import Busy, Refused

TOKEN = re.compile(
    r"([A-Za-z0-9_-]{0,64})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})"
)
ID_BYTES = 16


@dataclass(frozen=True)
class Token:
    """The content of a token."""

    key_id: str  # empty where no keys are configured
    expires_ms: int
    id: str
    signature: str = ""

    @property
    def message(self) -> bytes:
        return f"{self.key_id}.{self.expires_ms}.{self.id}".encode()

    def __str__(self) -> str:
        return f"{self.message.decode()}.{self.signature}"


def parse_token(text: str) -> Token:
    """Return the token in a text, not yet verified."""
    found = TOKEN.fullmatch(text)
    if found is None:
        raise Refused("This text is not a token.", hint="Use it exactly as it was given.")
    key_id, expires, id, signature = found.groups()
    return Token(key_id, int(expires), id, signature)


class Tokens:
    """The tokens of one kind: made, checked, and spent before they expire."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        random_text: Callable[[int], str],
        seconds: float,
        most_spent: int,
    ) -> None:
        self.life_ms = round(1000 * seconds)
        self._now_ms = now_ms
        self._random_text = random_text
        self._most_spent = most_spent
        self._spent: dict[str, int] = {}  # ids with their expiry
        self._floor_ms = (
            0  # tokens that expire by then are refused, also when the clock is set back
        )
        self._lock = threading.Lock()

    def make(self, key_id: str, signer: SaltedSigner) -> Token:
        token = Token(key_id, self._now_ms() + self.life_ms, self._random_text(ID_BYTES))
        return replace(token, signature=signer.sign(token.message))

    def check(self, token: Token, signer: SaltedSigner) -> None:
        """Refuse a token that was not made here, has expired or was spent."""
        self._check_signature(token, signer)
        with self._lock:
            self._check_unspent(token)

    def spend(self, token: Token, signer: SaltedSigner) -> None:
        """Check a token and refuse it from now on; of several calls at once, one passes."""
        self._check_signature(token, signer)
        with self._lock:
            self._check_unspent(token)
            self._forget()
            if len(self._spent) >= self._most_spent:
                raise Busy(
                    "Too many tokens are remembered at the moment.",
                    code="tokens_full",
                    hint="Ask again in a minute.",
                    retry_after=5,
                )
            self._spent[token.id] = token.expires_ms

    def _check_signature(self, token: Token, signer: SaltedSigner) -> None:
        if not signer.verify(token.message, token.signature):
            raise Refused("The token was not made here.", code="bad_signature")

    def _check_unspent(self, token: Token) -> None:
        if token.expires_ms <= max(self._now_ms(), self._floor_ms):
            raise Refused("The token's time is over.", code="stale", hint="Ask for a new one.")
        if token.id in self._spent:
            raise Refused(
                "The token was already used.", code="replayed", hint="Each is good for one use."
            )

    def _forget(self) -> None:
        """Forget expired tokens, from the one that was spent first up to one that is valid."""
        now_ms = self._now_ms()
        while self._spent:
            id, expires_ms = next(iter(self._spent.items()))
            if expires_ms > now_ms:
                return
            del self._spent[id]
            self._floor_ms = max(self._floor_ms, expires_ms)
