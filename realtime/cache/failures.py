"""The recordings that failed, remembered so that a client can ask what became of a line."""

from __future__ import annotations

from collections import OrderedDict

from realtime.cache.address import Address
from realtime.errors import YamabikoError

MOST_FAILURES = 1_000


class Failures:
    """The newest failures by the key of the line, up to a bound."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[Address, YamabikoError]] = OrderedDict()

    def add(self, address: Address, error: YamabikoError) -> None:
        """Remember a failure, and forget the oldest one where there are too many."""
        self._failures[address.key] = (address, error)
        while len(self._failures) > MOST_FAILURES:
            self._failures.popitem(last=False)

    def address(self, key: str) -> Address | None:
        return self._failures[key][0] if key in self._failures else None

    def error(self, key: str) -> YamabikoError | None:
        return self._failures[key][1] if key in self._failures else None

    def forget(self, key: str) -> None:
        self._failures.pop(key, None)

    def clear(self) -> None:
        self._failures.clear()
