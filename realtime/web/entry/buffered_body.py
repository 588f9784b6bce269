"""A request body that is read to its end, hashed, and replayed to the application.

A large body waits in a nameless file. Its size and its time are limited before this.
"""

from __future__ import annotations

import asyncio
import hashlib
from tempfile import SpooledTemporaryFile
from typing import IO

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

IN_MEMORY_BYTES = 1 << 20
AT_ONCE_BYTES = 1 << 17  # hashed on the event loop: it takes less than half a millisecond
PART_BYTES = 1 << 16


class BufferedBody:
    """The body of one request; its file is nameless, so that a killed server leaves none.

    The file is made with the first part: most requests are read by nobody but their route.
    """

    def __init__(self) -> None:
        self.size = 0
        self.complete = False
        self._hash = hashlib.sha256()
        self._file: IO[bytes] | None = None

    async def read_all(self, receive: Receive) -> None:
        """Read the body to its end; raise `ClientDisconnect` when the client leaves before."""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            await self._add(message.get("body", b""))
            more = message.get("more_body", False)
        self._opened.seek(0)
        self.complete = True

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the body in hex."""
        return self._hash.hexdigest()

    def replay(self, receive: Receive) -> Receive:
        """Return a `receive` that gives the body again, then what follows it."""
        replayed = False

        async def receive_again() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            part = await self._read()
            replayed = self._opened.tell() >= self.size
            return {"type": "http.request", "body": part, "more_body": not replayed}

        return receive_again

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def _opened(self) -> IO[bytes]:
        if self._file is None:
            # Closed by `close`, since it lives as long as its request.
            self._file = SpooledTemporaryFile(IN_MEMORY_BYTES)
        return self._file

    async def _add(self, part: bytes) -> None:
        self.size += len(part)
        if len(part) > AT_ONCE_BYTES or self.size > IN_MEMORY_BYTES:
            await asyncio.to_thread(self._append, part)
        else:
            self._append(part)

    def _append(self, part: bytes) -> None:
        self._hash.update(part)
        self._opened.write(part)

    async def _read(self) -> bytes:
        if self.size <= IN_MEMORY_BYTES:
            return self._opened.read(self.size)
        return await asyncio.to_thread(self._opened.read, PART_BYTES)
