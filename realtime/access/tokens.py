"""Tokens that the server gives out: who, until when, and a number; signed, and read by us alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from realtime.access.signatures import SaltedSigner
from realtime.errors import Busy, Refused

TOKEN = re.compile(
    r"([A-Za-z0-9_-]{0,64})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})"
)
NUMBER_BYTES = 16


@dataclass(frozen=True)
class Token:
    """What a token says; nobody's where no keys are configured."""

    key_id: str
    expires_ms: int
    number: str
    signature: str = ""

    @property
    def message(self) -> bytes:
        return f"{self.key_id}.{self.expires_ms}.{self.number}".encode()

    def __str__(self) -> str:
        return f"{self.message.decode()}.{self.signature}"


def parsed(written: str) -> Token:
    """The token as it says of itself; nothing of it is believed yet."""
    found = TOKEN.fullmatch(written)
    if found is None:
        raise Refused("The token has not the form of one.", hint="Use it exactly as it was given.")
    key_id, expires, number, signature = found.groups()
    return Token(key_id, int(expires), number, signature)


class Tokens:
    """Tokens of one kind: made, checked, and spent before their time; bounded."""

    def __init__(
        self, now_ms: Callable[[], int], chance: Callable[[int], str], seconds: float, most: int
    ) -> None:
        self.life_ms = round(1000 * seconds)
        self._now_ms = now_ms
        self._chance = chance
        self._most = most
        self._spent: dict[str, int] = {}  # by number, until when it could pass
        self._floor_ms = 0  # what ends by then may be forgotten, wherever the clock is set to
        self._lock = threading.Lock()

    def made(self, key_id: str, seal: SaltedSigner) -> Token:
        token = Token(key_id, self._now_ms() + self.life_ms, self._chance(NUMBER_BYTES))
        return Token(key_id, token.expires_ms, token.number, seal.sign(token.message))

    def check(self, token: Token, seal: SaltedSigner) -> None:
        self._check_signature(token, seal)
        with self._lock:
            self._check_unspent(token)

    def spend(self, token: Token, seal: SaltedSigner) -> None:
        """Check it; from now on it is good for nothing. Of several at once one comes through."""
        self._check_signature(token, seal)
        with self._lock:
            self._check_unspent(token)
            self._forget()
            if len(self._spent) >= self._most:
                raise Busy(
                    "Too many tokens are remembered at the moment.",
                    code="tokens_full",
                    hint="Ask again in a minute.",
                    retry_after=5,
                )
            self._spent[token.number] = token.expires_ms

    def _check_signature(self, token: Token, seal: SaltedSigner) -> None:
        if not seal.verifies(token.message, token.signature):
            raise Refused("The token was not made here.", code="bad_signature")

    def _check_unspent(self, token: Token) -> None:
        if token.expires_ms <= max(self._now_ms(), self._floor_ms):
            raise Refused("The token's time is over.", code="stale", hint="Ask for a new one.")
        if token.number in self._spent:
            raise Refused(
                "The token was already used.", code="replayed", hint="Each is good for one use."
            )

    def _forget(self) -> None:
        """From the one that was spent first: one behind it may stay longer than it must."""
        now_ms = self._now_ms()
        while self._spent:
            number, expires_ms = next(iter(self._spent.items()))
            if expires_ms > now_ms:
                return
            del self._spent[number]
            self._floor_ms = max(self._floor_ms, expires_ms)
