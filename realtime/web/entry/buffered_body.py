"""A body that is read to its end, hashed, and given again; large ones wait in a nameless file.

It knows no door and no signature. How large and how slow a body may be is limited before this.
"""

from __future__ import annotations

import asyncio
import hashlib
from tempfile import SpooledTemporaryFile

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

IN_MEMORY_BYTES = 1 << 20
AT_ONCE_BYTES = 1 << 17  # hashed in less than half a millisecond
PART_BYTES = 1 << 16


class Body:
    """One request's body; its file goes with it, also when the server is killed."""

    def __init__(self) -> None:
        self.size = 0
        self.taken = False
        self._hash = hashlib.sha256()
        # Closed by `close`, since it lives as long as its request.
        self._file = SpooledTemporaryFile(IN_MEMORY_BYTES)

    async def take(self, receive: Receive) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            await self._add(message.get("body", b""))
            more = message.get("more_body", False)
        self._file.seek(0)
        self.taken = True

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def again(self, receive: Receive) -> Receive:
        """The body for the door, then whatever comes after it."""
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            part = await self._read()
            given = self._file.tell() >= self.size
            return {"type": "http.request", "body": part, "more_body": not given}

        return again

    def close(self) -> None:
        self._file.close()

    async def _add(self, part: bytes) -> None:
        self.size += len(part)
        if len(part) > AT_ONCE_BYTES or self.size > IN_MEMORY_BYTES:
            await asyncio.to_thread(self._note, part)
        else:
            self._note(part)

    def _note(self, part: bytes) -> None:
        self._hash.update(part)
        self._file.write(part)

    async def _read(self) -> bytes:
        if self.size <= IN_MEMORY_BYTES:
            return self._file.read(self.size)
        return await asyncio.to_thread(self._file.read, PART_BYTES)
