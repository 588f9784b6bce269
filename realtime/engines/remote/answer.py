"""The answer of a server elsewhere, read block by block, never more of it than is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse

from realtime.engine_settings import RemoteSettings
from realtime.engines.remote import faults
from realtime.engines.remote.call import RemoteCall
from realtime.errors import YamabikoError

BLOCK = 16 << 10  # bytes; what is there is taken, so the first sound does not wait for them


class UpstreamAnswer:
    """An answer whose first bytes are there."""

    def __init__(
        self,
        label: str,
        connection: HTTPConnection,
        response: HTTPResponse,
        call: RemoteCall,
        settings: RemoteSettings,
    ) -> None:
        self.connection = connection
        self.status = response.status
        self.content_type = response.headers.get_content_type()
        self._label = label
        self._response = response
        self._call = call
        self._settings = settings
        length = response.headers.get("Content-Length", "")
        self._length = int(length) if length.isascii() and length.isdecimal() else None
        self._read = 0  # bytes
        self._ahead = b""
        self._ended = False

    def header(self, name: str) -> str:
        return str(self._response.headers.get(name, ""))

    def parameter(self, name: str) -> str:
        """Return a parameter of the content type, such as `rate`."""
        return str(self._response.headers.get_param(name, "") or "")

    def read_ahead(self) -> None:
        """Wait for the first bytes; the errors of the connection are the caller's."""
        self._ahead = self._next()

    def blocks(self) -> Iterator[bytes]:
        """Yield the body as it comes; a body that is cut short ends with an error."""
        block = self._ahead
        while block:
            yield block
            try:
                block = self._next()
            except (OSError, HTTPException, ValueError) as error:
                raise self._broken(error) from error
        if self._length is not None and self._read < self._length:
            raise faults.failed(self._label, f"its answer ended after {self._read} bytes")

    def whole(self, most: int) -> bytes:
        """Return a body of at most so many bytes."""
        found = b""
        for block in self.blocks():
            found += block
            if len(found) > most:
                raise faults.failed(self._label, f"its answer has more than {most} bytes")
        return found

    def start_of_error(self, most: int) -> bytes:
        """Return what can be had of the body of an error."""
        found = b""
        try:
            for block in self.blocks():
                found += block
                if len(found) >= most:
                    break
        except YamabikoError:
            pass  # the status says enough
        return found[:most]

    @property
    def can_go_on(self) -> bool:
        """Tell whether the connection may carry another request: this answer is whole."""
        return self._ended and not self._response.will_close and self.connection.sock is not None

    def finish(self) -> None:
        """Let the connection go on to another request."""
        self._response.close()

    def close(self) -> None:
        self._response.close()
        self.connection.close()

    def _next(self) -> bytes:
        # A connection that is cut still gives what has come, and a server may go on sending.
        self._call.check_time()
        # At the end of a body with a length, a read would wait for more.
        whole = self._length is not None and self._read >= self._length
        block = b"" if whole else self._response.read1(BLOCK)
        self._read += len(block)
        short = self._length is not None and self._read < self._length
        self._ended = not block and not short
        if self._read > self._settings.answer_bytes:
            raise faults.failed(
                self._label, f"its answer has more than {self._settings.answer_bytes} bytes"
            )
        return block

    def _broken(self, error: Exception) -> YamabikoError:
        """Return the error of an answer that stopped in the middle."""
        self._call.check()
        settings = self._settings
        if self._call.time_is_up:
            return faults.timed_out(self._label, settings.total_seconds, "total_seconds")
        if isinstance(error, TimeoutError):
            return faults.timed_out(self._label, settings.read_seconds, "read_seconds")
        reason = str(error) or type(error).__name__
        return faults.failed(
            self._label, f"its answer broke off after {self._read} bytes: {reason}"
        )
