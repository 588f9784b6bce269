"""A stream of a host: a line's piece or a conversion, computed one chunk for each permission."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any, Callable, Optional

from realtime.engines.outside import protocol
from realtime.engines.outside.adapter import Adapter, CancelFlag
from realtime.engines.outside.failure import failure
from realtime.engines.outside.protocol import JoinedSound, Samples

Send = Callable[..., None]
Put = Callable[[Callable[[], None]], None]  # a job on the stream's thread


class HostStream:
    """A stream; the reader gives it messages, and its thread advances and closes it."""

    def __init__(
        self, message: Any, adapter: Adapter, send: Send, put: Put, forget: Callable[[int], None]
    ) -> None:
        self._message = message
        self._number: int = message.request
        self._adapter = adapter
        self._send = send
        self._put = put
        self._forget = forget
        self._cancel = CancelFlag()
        self._blocks: queue.SimpleQueue[Optional[Samples]] = queue.SimpleQueue()
        self._joined = JoinedSound()
        self._items: Optional[Iterator[Any]] = None
        self._ended = False

    def take(self, message: Any, sound: bytes) -> None:
        """Take a message of the server, on the reader's thread."""
        if isinstance(message, protocol.More):
            self._put(self._advance)
        elif isinstance(message, protocol.Block):
            block = self._joined.add(sound, message.more)
            if block is not None:
                self._blocks.put(block)
        elif isinstance(message, protocol.Drop):
            self._cancel.set()
            self._blocks.put(None)
            self._put(self._close)

    def _advance(self) -> None:
        """Compute and send one chunk, or the end, or the error."""
        if self._ended or self._cancel.is_set():
            return
        try:
            if self._items is None:
                self._items = self._start()
            chunk = next(self._items, None)
        except Exception as error:  # noqa: BLE001 -- it ends this stream alone
            told = protocol.Ended(self._number) if self._cancel.is_set() else None
            self._end(told or failure(self._number, error))
            return
        if chunk is None:
            self._end(protocol.Ended(self._number))
        else:
            self._send_chunk(chunk)

    def _start(self) -> Iterator[Any]:
        if isinstance(self._message, protocol.Speak):
            return iter(self._adapter.speak(self._message, self._cancel))
        return iter(self._adapter.convert(self._incoming(), self._message.change, self._cancel))

    def _incoming(self) -> Iterator[Samples]:
        while True:
            block = self._blocks.get()
            if block is None:
                return
            yield block

    def _send_chunk(self, chunk: Any) -> None:
        samples, words = chunk if isinstance(chunk, tuple) else (chunk, ())
        for sound, more in protocol.cut_sound(samples):
            message = protocol.Audio(self._number, [] if more else list(words), more)
            self._send(message, sound)

    def _close(self) -> None:
        if self._ended:
            return
        close = getattr(self._items, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._end(protocol.Ended(self._number))

    def _end(self, message: Any) -> None:
        self._ended = True
        self._forget(self._number)
        self._send(message)
