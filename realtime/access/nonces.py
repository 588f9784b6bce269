"""A bounded memory of used nonces, so that no signed request passes twice.

A nonce is kept until its timestamp has expired, by the monotonic clock. When it is forgotten, its
timestamp raises a floor, and timestamps up to that floor are refused: so a wall clock that is set
back lets no old request pass again. A full memory refuses new requests.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from math import floor, inf

from realtime.errors import Busy, Refused

DIGEST_BYTES = 16


class Nonces:
    """The used nonces: by digest, so that each costs the same, in slots of a second."""

    def __init__(self, most: int) -> None:
        self._floor_ms = 0
        self._most = most
        self._used: set[bytes] = set()
        self._slots: dict[int, deque[bytes]] = {}
        self._latest: dict[int, int] = {}
        self._next = inf  # when the first slot ends
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, owner: str, nonce: str, stamp_ms: int, until: float, now: float) -> bool:
        """Remember a nonce; return whether it is new. `until` and `now` are monotonic seconds.

        One lock holds for forgetting and for the floor: between the two a nonce would be neither
        remembered nor too old.
        """
        digest = hashlib.blake2b(f"{owner}\n{nonce}".encode(), digest_size=DIGEST_BYTES).digest()
        with self._lock:
            self._forget(now)
            if digest in self._used:
                return False
            if stamp_ms <= self._floor_ms:
                raise Refused(
                    "The request is so old that it may be a repetition.",
                    code="stale",
                    hint="Sign it again now; correct your clock's offset from now_ms.",
                )
            if len(self._used) >= self._most:
                raise Busy(
                    "Too many signed requests are remembered at the moment.",
                    code="nonces_full",
                    hint="Ask again in a minute; the setting auth.nonces is the bound.",
                    retry_after=5,
                )
            slot = floor(until) + 1
            self._used.add(digest)
            self._next = min(self._next, slot)
            self._slots.setdefault(slot, deque()).append(digest)
            self._latest[slot] = max(stamp_ms, self._latest.get(slot, 0))
            return True

    def keep_longer(self, seconds: float) -> None:
        """Keep all nonces longer, after the wall clock was set back by so many seconds."""
        with self._lock:
            slots, latest = self._slots, self._latest
            more = floor(seconds) + 1
            self._slots = {slot + more: digests for slot, digests in slots.items()}
            self._latest = {slot + more: stamp for slot, stamp in latest.items()}
            self._next += more

    def _forget(self, now: float) -> None:
        if now < self._next:
            return
        for slot in [slot for slot in self._slots if slot <= now]:
            self._used.difference_update(self._slots.pop(slot))
            self._floor_ms = max(self._floor_ms, self._latest.pop(slot))
        self._next = min(self._slots, default=inf)
