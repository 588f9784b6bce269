"""Limits a minute: what each key may ask for, and how often an address may be refused.

The package `limits` counts in sliding windows, in memory or in a Redis that several machines
share. Without keys nothing is counted.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections.abc import Awaitable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import TypeVar

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.util import WindowStats

from realtime.cache import Recording
from realtime.errors import Busy, SettingsError, TooMany
from realtime.settings import MEMORY, LimitsSettings

NAMESPACE = "yamabiko"
REDIS = ("redis://", "rediss://")

T = TypeVar("T")


class Account:
    """An account that is charged for requests, text and sound; this one charges nobody."""

    async def charge_request(self) -> None:
        """Count one request, or raise `TooMany`."""

    async def charge_text(self, characters: int) -> None:
        """Count characters that are to be spoken, or raise `TooMany`."""

    async def check_sound(self) -> None:
        """Raise `TooMany` when no more sound may be made this minute."""

    async def charge_sound(self, seconds: float) -> None:
        """Count sound that was made."""

    def charge_recording(self, result: str, source: object) -> None:
        """Count a new recording's sound once its length is known; a hit or a join is free."""

    def hold_socket(self) -> AbstractContextManager[None]:
        """Count a socket while the context lasts, or raise `TooMany`."""
        return nullcontext()


class KeyAccount(Account):
    """The account of one key, held to the limits of the settings."""

    def __init__(
        self, key_id: str, requests: _Limit, characters: _Limit, sound: _Limit, most_sockets: int
    ) -> None:
        self._key_id = key_id
        self._requests = requests
        self._characters = characters
        self._sound = sound
        self._most_sockets = most_sockets
        self._open_sockets = 0
        self._counting: set[asyncio.Task[None]] = set()

    async def charge_request(self) -> None:
        await self._requests.take(self._key_id, 1)

    async def charge_text(self, characters: int) -> None:
        await self.check_sound()
        await self._characters.take(self._key_id, characters)

    async def check_sound(self) -> None:
        await self._sound.check(self._key_id)

    async def charge_sound(self, seconds: float) -> None:
        await self._sound.count(self._key_id, math.ceil(seconds))

    def charge_recording(self, result: str, source: object) -> None:
        if result != "miss" or not isinstance(source, Recording):
            return
        task = asyncio.create_task(self._charge_when_settled(source))
        self._counting.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._counting.discard)

    async def _charge_when_settled(self, recording: Recording) -> None:
        await recording.wait_until_settled()
        await self.charge_sound(recording.samples / recording.sample_rate)

    @contextmanager
    def hold_socket(self) -> Iterator[None]:
        if self._open_sockets >= self._most_sockets:
            raise TooMany(
                f"The key has {self._most_sockets} open sockets, which is the limit.",
                hint="Close one first; many conversations fit into one socket.",
                retry_after=5,
            )
        self._open_sockets += 1
        try:
            yield
        finally:
            self._open_sockets -= 1


class Quotas:
    """The limits of keys (what they may do) and of addresses (how often they may be refused)."""

    def __init__(self, limits: LimitsSettings) -> None:
        self._windows = SlidingWindowCounterRateLimiter(_storage(limits.storage))
        self._requests = _Limit(self._windows, "requests", limits.requests, "requests")
        self._characters = _Limit(self._windows, "characters", limits.characters, "characters")
        self._sound = _Limit(self._windows, "sound", limits.audio_seconds, "seconds of sound")
        self._refusals = _Limit(self._windows, "refusals", limits.refusals, "refused requests")
        self._logins = _Limit(self._windows, "logins", limits.logins, "failed log-ins")
        self._most_sockets = limits.sockets
        self._accounts: dict[str, KeyAccount] = {}  # one for each configured key at most

    def account(self, key_id: str) -> Account:
        """Give the account of a key; without a key it is one that charges nobody."""
        if not key_id:
            return Account()
        if key_id not in self._accounts:
            self._accounts[key_id] = KeyAccount(
                key_id, self._requests, self._characters, self._sound, self._most_sockets
            )
        return self._accounts[key_id]

    async def check_refusals(self, address: str) -> None:
        """Raise `TooMany` when an address was refused too often: its signature is not tried."""
        await self._refusals.check(network_of(address))

    async def count_refusal(self, address: str) -> None:
        """Count one refused request of an address."""
        await self._refusals.count(network_of(address), 1)

    async def check_logins(self, address: str) -> None:
        """Raise `TooMany` when an address failed to log in too often."""
        await self._logins.check(network_of(address))

    async def count_failed_login(self, address: str) -> None:
        """Count one failed log-in of an address."""
        await self._logins.count(network_of(address), 1)


class _Limit:
    """A limit a minute, counted for each owner: a key or a network."""

    def __init__(
        self, windows: SlidingWindowCounterRateLimiter, name: str, most: int, noun: str
    ) -> None:
        self._windows = windows
        self._item = RateLimitItemPerMinute(most, namespace=f"{NAMESPACE}-{name}")
        self._noun = noun

    async def take(self, owner: str, cost: int) -> None:
        """Count a cost, or raise `TooMany` and count nothing."""
        if cost > self._item.amount:
            raise TooMany(
                f"{cost} {self._noun} at once; the limit is {self._item.amount} a minute.",
                hint="Ask for less at once.",
                retry_after=60,
            )
        if not await self._hit(owner, cost):
            raise await self._too_many(owner)

    async def check(self, owner: str) -> None:
        """Raise `TooMany` when nothing is left for an owner."""
        if not await _answer_of(self._windows.test(self._item, owner)):
            raise await self._too_many(owner)

    async def count(self, owner: str, cost: int) -> None:
        """Count a cost that has already arisen, also where it is more than is left."""
        cost = min(cost, self._item.amount)
        if not cost or await self._hit(owner, cost):
            return
        # A window takes a cost whole or not at all.
        left = (await self._stats(owner)).remaining
        if left:
            await self._hit(owner, min(left, cost))

    async def _hit(self, owner: str, cost: int) -> bool:
        return await _answer_of(self._windows.hit(self._item, owner, cost=cost))

    async def _stats(self, owner: str) -> WindowStats:
        return await _answer_of(self._windows.get_window_stats(self._item, owner))

    async def _too_many(self, owner: str) -> TooMany:
        stats = await self._stats(owner)
        return TooMany(
            f"The limit of {self._item.amount} {self._noun} a minute is reached.",
            hint="Wait as long as Retry-After says.",
            retry_after=min(60.0, max(1.0, stats.reset_time - time.time())),
        )


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """Return the network that counts as one owner: with IPv6 one customer has a whole /64."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _storage(address: str) -> Storage:
    if address == MEMORY:
        return MemoryStorage()
    if not address.startswith(REDIS):
        raise SettingsError(
            f"limits.storage is a {address.partition(':')[0]!r}; there are memory and redis.",
            hint="memory://, or redis://HOST:PORT where several machines share the counts.",
        )
    return RedisStorage(f"async+{address}", wrap_exceptions=True, implementation="redispy")


async def _answer_of(call: Awaitable[T]) -> T:
    """Return what the storage answers; without an answer nobody is let through."""
    try:
        return await call
    except StorageError as error:
        raise Busy(
            "The place where limits are counted does not answer.",
            code="limits_unreachable",
            hint="The setting limits.storage names it.",
            retry_after=2,
        ) from error
