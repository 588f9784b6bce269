"""Tokens that the server gives out: who, until when, and a number; signed, and read by us alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from realtime.errors import Busy, Refused
from realtime.signing.signer import Seal

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
        self._spent: dict[str, int] = {}  # all live as long, so the oldest expire first

    def made(self, key_id: str, seal: Seal) -> Token:
        token = Token(key_id, self._now_ms() + self.life_ms, self._chance(NUMBER_BYTES))
        return Token(key_id, token.expires_ms, token.number, seal.sign(token.message))

    def check(self, token: Token, seal: Seal) -> None:
        if not seal.verifies(token.message, token.signature):
            raise Refused("The token was not made here.", code="bad_signature")
        if self._now_ms() >= token.expires_ms:
            raise Refused("The token's time is over.", code="stale", hint="Ask for a new one.")
        if token.number in self._spent:
            raise Refused(
                "The token was already used.", code="replayed", hint="Each is good for one use."
            )

    def spend(self, token: Token) -> None:
        """From now on it is good for nothing."""
        now_ms = self._now_ms()
        while self._spent and next(iter(self._spent.values())) <= now_ms:
            del self._spent[next(iter(self._spent))]
        if len(self._spent) >= self._most:
            raise Busy(
                "Too many tokens are remembered at the moment.",
                code="tokens_full",
                hint="Ask again in a minute.",
                retry_after=5,
            )
        self._spent[token.number] = token.expires_ms
