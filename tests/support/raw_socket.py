"""A WebSocket client that sends any frames, also wrong ones."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from dataclasses import dataclass
from typing import Any

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
# Headers of a right handshake; the key is the example of RFC 6455.
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@dataclass(frozen=True)
class Frame:
    opcode: int
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def close_code(self) -> int:
        return int(struct.unpack_from(">H", self.data)[0]) if self.data else 1005


class RawSocket:
    """A connection after its handshake."""

    def __init__(self, address: tuple[str, int], path: str = "/ws", **headers: str) -> None:
        self.connection = socket.create_connection(address, timeout=20)
        self._held = b""
        named = {"Host": f"{address[0]}:{address[1]}", **headers}
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
        self.connection.sendall(head.encode() + b"\r\n")
        while b"\r\n\r\n" not in self._held:
            self._receive_more()
        self.answer, _, self._held = self._held.partition(b"\r\n\r\n")
        self.status = int(self.answer.split()[1])

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, opcode: int, data: bytes, last: bool = True, masked: bool = True) -> None:
        self.connection.sendall(frame(opcode, data, last, masked))

    def say(self, kind: str, **fields: Any) -> None:
        self.send(TEXT, json.dumps({"type": kind, **fields}).encode())

    def receive(self) -> Frame:
        """Return the next frame; the server's are whole messages and never masked."""
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        assert first & 0x80 and not second & 0x80
        return Frame(first & 0x0F, self._take(size))

    def until(self, *kinds: str) -> list[Frame]:
        """Return the frames up to the first JSON message of one of these kinds."""
        found = []
        while True:
            found.append(self.receive())
            if found[-1].opcode == CLOSE:
                raise AssertionError(f"closed with {found[-1].close_code}: {found[-1].data!r}")
            if found[-1].opcode == TEXT and found[-1].json["type"] in kinds:
                return found

    def closing(self) -> int:
        """Skip frames to the close and return its code; 1006 without a close frame."""
        try:
            while (frame := self.receive()).opcode != CLOSE:
                pass
        except ConnectionError:
            return 1006
        return frame.close_code

    def _take(self, size: int) -> bytes:
        while len(self._held) < size:
            self._receive_more()
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _receive_more(self) -> None:
        data = self.connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the server ended the connection")
        self._held += data


def frame(opcode: int, data: bytes, last: bool = True, masked: bool = True) -> bytes:
    size = len(data)
    if size < 126:
        length = bytes([size])
    elif size <= 0xFFFF:
        length = b"\x7e" + struct.pack(">H", size)
    else:
        length = b"\x7f" + struct.pack(">Q", size)
    head = bytes([opcode | (0x80 if last else 0), length[0] | (0x80 if masked else 0)])
    if not masked:
        return head + length[1:] + data
    mask = os.urandom(4)
    repeated = (mask * (size // 4 + 1))[:size]
    hidden = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
    return head + length[1:] + mask + hidden.to_bytes(size, "big")
