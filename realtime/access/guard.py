"""Everything that says who may, put together from the settings; it knows no web."""

from __future__ import annotations

import secrets

from realtime.access.clock import Clock
from realtime.access.keys import Keys, unknown_key
from realtime.access.nonces import Nonces
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import Axes, Verifier
from realtime.access.signed_urls import SignedAddresses
from realtime.access.tokens import Token, Tokens, parsed
from realtime.settings import Settings

TICKET_SECONDS = 30.0
COOKIE_SECONDS = 12 * 3600.0
MOST_SPENT = 100_000  # used tickets and ended cookies that are remembered while they could pass
COOKIE = "cookie"


class Guard:
    """Keys and what is made with them; without keys everybody may."""

    def __init__(self, keys: Keys, settings: Settings, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        auth = settings.auth
        self.keys = keys
        self.axes = Axes(clock, auth.shift_seconds, auth.skew_seconds)
        self.requests = Verifier(keys, self.axes, Nonces(auth.nonces))
        self.addresses = SignedAddresses(keys, clock, settings.audio.url_days)
        # Tickets die with the server and go by the clock that nobody sets: a used one that is
        # forgotten can never come back.
        self._tickets = Tokens(
            lambda: round(1000 * clock.running()), clock.chance, TICKET_SECONDS, MOST_SPENT
        )
        self._ticket_seal = SaltedSigner([secrets.token_urlsafe(32)], "ticket")
        self._cookies = Tokens(clock.now_ms, clock.chance, COOKIE_SECONDS, MOST_SPENT)

    @property
    def now_ms(self) -> int:
        return self.axes.clock.now_ms()

    @property
    def open(self) -> bool:
        """Whether what is signed now can pass."""
        return not self.keys or self.axes.open

    def ticket(self, key_id: str) -> tuple[str, int]:
        """A ticket for one socket, and when it expires by the wall clock."""
        token = self._tickets.made(key_id, self._ticket_seal)
        return str(token), self.now_ms + self._tickets.life_ms

    def redeem(self, written: str) -> str:
        """Whose a ticket is; it is good for nothing from now on."""
        token = parsed(written)
        self._tickets.spend(token, self._ticket_seal)
        return token.key_id

    def cookie(self, key_id: str) -> str:
        return str(self._cookies.made(key_id, self.keys.seal(key_id, COOKIE)))

    def cookie_owner(self, written: str) -> str:
        """Whose a cookie is."""
        token = parsed(written)
        self._cookies.check(token, self._cookie_seal(token))
        return token.key_id

    def end_cookie(self, written: str) -> None:
        """It is logged out, wherever else it was copied to."""
        token = parsed(written)
        self._cookies.spend(token, self._cookie_seal(token))

    def _cookie_seal(self, token: Token) -> SaltedSigner:
        if token.key_id not in self.keys:
            raise unknown_key(token.key_id)
        return self.keys.seal(token.key_id, COOKIE)
