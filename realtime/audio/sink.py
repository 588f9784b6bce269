"""A file object for libraries that write containers: bytes leave while the file still grows."""

from __future__ import annotations

import io

HEAD_BYTES = 4096  # that may be written again; the longest head is an MP3 frame of 1,441 bytes


class Sink:
    """A write-only file: its bytes are taken as they come, and its head may be written again."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._head = bytearray()  # the first bytes, as they were written last
        self._rewritten = 0  # bytes up to the end of what was written again
        self._size = 0
        self._place = 0

    def write(self, data: bytes) -> int:
        if self._place < self._size:
            self._rewrite(bytes(data))
        else:
            self._waiting += data
            self._head += data[: max(0, HEAD_BYTES - self._size)]
            self._size += len(data)
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def take(self) -> bytes:
        """Take the bytes that were appended since the last time."""
        data = bytes(self._waiting)
        self._waiting.clear()
        return data

    def rewritten(self) -> bytes:
        """Return the first bytes as far as some were written again: they replace the others."""
        return bytes(self._head[: self._rewritten])

    def _rewrite(self, data: bytes) -> None:
        end = self._place + len(data)
        if end > len(self._head):
            raise OSError(f"bytes {self._place} to {end} are no head: they have left already")
        self._head[self._place : end] = data
        self._rewritten = max(self._rewritten, end)
