"""The checks of keys, signed requests and URLs, tickets and cookies, built from the settings."""

from __future__ import annotations

import secrets

from realtime.access.clock import Clock
from realtime.access.keys import Keys, unknown_key
from realtime.access.nonces import Nonces
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import TimeWindow, Verifier
from realtime.access.signed_urls import SignedUrls
from realtime.access.tokens import Token, Tokens, parse_token
from realtime.settings import Settings

TICKET_SECONDS = 30.0
COOKIE_SECONDS = 12 * 3600.0
MOST_SPENT = 100_000  # used tickets and ended cookies, remembered until they expire
COOKIE = "cookie"


class Guard:
    """The keys of a server and all checks with them; without keys everybody is let in."""

    def __init__(self, keys: Keys, settings: Settings, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        auth = settings.auth
        self.keys = keys
        self.window = TimeWindow(clock, auth.shift_seconds, auth.skew_seconds)
        self.requests = Verifier(keys, self.window, Nonces(auth.nonces))
        self.urls = SignedUrls(keys, clock, settings.audio.url_days)
        # Tickets are signed with a secret of this process and use the monotonic clock: a used
        # ticket that is forgotten cannot pass again when the wall clock is set back.
        self._tickets = Tokens(
            lambda: round(1000 * clock.monotonic()), clock.random_text, TICKET_SECONDS, MOST_SPENT
        )
        self._ticket_signer = SaltedSigner([secrets.token_urlsafe(32)], "ticket")
        self._cookies = Tokens(clock.now_ms, clock.random_text, COOKIE_SECONDS, MOST_SPENT)

    @property
    def now_ms(self) -> int:
        return self.window.clock.now_ms()

    @property
    def accepts_signatures(self) -> bool:
        """Return whether a request that is signed now can pass."""
        return not self.keys or self.window.is_open

    def make_ticket(self, key_id: str) -> tuple[str, int]:
        """Return a ticket for one socket, and its expiry in Unix milliseconds."""
        token = self._tickets.make(key_id, self._ticket_signer)
        return str(token), self.now_ms + self._tickets.life_ms

    def use_ticket(self, text: str) -> str:
        """Return the key id of a ticket, which cannot be used again."""
        token = parse_token(text)
        self._tickets.spend(token, self._ticket_signer)
        return token.key_id

    def make_cookie(self, key_id: str) -> str:
        return str(self._cookies.make(key_id, self.keys.signer(key_id, COOKIE)))

    def owner_of_cookie(self, text: str) -> str:
        """Return the key id of a cookie."""
        token = parse_token(text)
        self._cookies.check(token, self._cookie_signer(token))
        return token.key_id

    def end_cookie(self, text: str) -> None:
        """Refuse a cookie from now on, also copies of it."""
        token = parse_token(text)
        self._cookies.spend(token, self._cookie_signer(token))

    def _cookie_signer(self, token: Token) -> SaltedSigner:
        if token.key_id not in self.keys:
            raise unknown_key(token.key_id)
        return self.keys.signer(token.key_id, COOKIE)
