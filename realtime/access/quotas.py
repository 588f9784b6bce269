"""What a key or an address did in the last minute, and whether it may do more; it knows no web.

Counted by the package `limits` in windows that slide, in memory or in a Redis that several
machines share. Without keys nobody is counted.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerMinute
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


class Quotas:
    """The limits of keys (what they may do) and of addresses (how often they may be refused)."""

    def __init__(self, limits: LimitsSettings) -> None:
        self._windows = SlidingWindowCounterRateLimiter(_storage(limits.storage))
        self._requests = RateLimitItemPerMinute(limits.requests, namespace=f"{NAMESPACE}-requests")
        self._characters = RateLimitItemPerMinute(
            limits.characters, namespace=f"{NAMESPACE}-characters"
        )
        self._sound = RateLimitItemPerMinute(limits.audio_seconds, namespace=f"{NAMESPACE}-sound")
        self._refusals = RateLimitItemPerMinute(limits.refusals, namespace=f"{NAMESPACE}-refusals")
        self._logins = RateLimitItemPerMinute(limits.logins, namespace=f"{NAMESPACE}-logins")
        self._most_sockets = limits.sockets
        self._sockets: Counter[str] = Counter()
        self._watching: set[asyncio.Task[None]] = set()

    async def request(self, key_id: str) -> None:
        """One more request of a key."""
        await self._take(self._requests, key_id, 1, "requests")

    async def line(self, key_id: str, characters: int) -> None:
        """Characters that a key wants spoken, if there is sound left for it this minute."""
        await self.check_sound(key_id)
        await self._take(self._characters, key_id, characters, "characters")

    async def check_sound(self, key_id: str) -> None:
        """Refused when there is no sound left for a key this minute."""
        if not await self._tested(self._sound, key_id):
            raise await self._too_many(self._sound, key_id, "seconds of sound")

    async def sound(self, key_id: str, seconds: float) -> None:
        """Sound that was made for a key: it exists, so it counts even beyond the limit."""
        whole = min(math.ceil(seconds), self._sound.amount)
        if whole and not await self._hit(self._sound, key_id, whole):
            left = (await self._stats(self._sound, key_id)).remaining
            if left:
                await self._hit(self._sound, key_id, min(left, whole))

    def watch(self, key_id: str, recording: Recording) -> None:
        """Count the sound of a line when it is known how long it became."""

        async def count() -> None:
            await recording.wait_until_settled()
            await self.sound(key_id, recording.samples / recording.sample_rate)

        task = asyncio.create_task(count())
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def may_be_refused(self, address: str) -> None:
        """Refused when this address was refused too often: then not even a signature is tried."""
        if not await self._tested(self._refusals, network_of(address)):
            raise await self._too_many(self._refusals, network_of(address), "refused requests")

    async def was_refused(self, address: str) -> None:
        await self._hit(self._refusals, network_of(address), 1)

    async def may_log_in(self, address: str) -> None:
        if not await self._tested(self._logins, network_of(address)):
            raise await self._too_many(self._logins, network_of(address), "failed log-ins")

    async def failed_to_log_in(self, address: str) -> None:
        await self._hit(self._logins, network_of(address), 1)

    @contextmanager
    def socket(self, key_id: str) -> Iterator[None]:
        """While one socket of a key is open."""
        if self._sockets[key_id] >= self._most_sockets:
            raise TooMany(
                f"The key has {self._most_sockets} open sockets, which is the limit.",
                hint="Close one first; many conversations fit into one socket.",
                retry_after=5,
            )
        self._sockets[key_id] += 1
        try:
            yield
        finally:
            self._sockets[key_id] -= 1
            self._sockets += Counter()  # drops those that are at nought

    async def _take(self, item: RateLimitItem, who: str, cost: int, what: str) -> None:
        if cost > item.amount:
            raise TooMany(
                f"{cost} {what} at once; the limit is {item.amount} a minute.",
                hint="Ask for less at once.",
                retry_after=60,
            )
        if not await self._hit(item, who, cost):
            raise await self._too_many(item, who, what)

    async def _too_many(self, item: RateLimitItem, who: str, what: str) -> TooMany:
        stats = await self._stats(item, who)
        return TooMany(
            f"The limit of {item.amount} {what} a minute is reached.",
            hint="Wait as long as Retry-After says.",
            retry_after=min(60.0, max(1.0, stats.reset_time - time.time())),
        )

    async def _hit(self, item: RateLimitItem, who: str, cost: int) -> bool:
        return await _answer(self._windows.hit(item, who, cost=cost))

    async def _tested(self, item: RateLimitItem, who: str) -> bool:
        return await _answer(self._windows.test(item, who))

    async def _stats(self, item: RateLimitItem, who: str) -> WindowStats:
        return await _answer(self._windows.get_window_stats(item, who))


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """Who is behind an address: with IPv6 one customer has a whole /64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _storage(address: str) -> Storage:
    if address == MEMORY:
        return MemoryStorage()
    if not address.startswith(REDIS):
        raise SettingsError(
            f"limits.storage is a {address.partition(':')[0]!r}; there are memory and redis.",
            hint="memory://, or redis://HOST:PORT where several machines share the counts.",
        )
    return RedisStorage(f"async+{address}", wrap_exceptions=True, implementation="redispy")


async def _answer(asked: Awaitable[T]) -> T:
    """What the storage says; nobody is let through because it says nothing."""
    try:
        return await asked
    except StorageError as error:
        raise Busy(
            "The place where limits are counted does not answer.",
            code="limits_unreachable",
            hint="The setting limits.storage names it.",
            retry_after=2,
        ) from error
