"""The messages between the server and the host of an engine, and their frames.

A frame is a head of eight bytes, two big-endian lengths, then a msgpack message and its sound as
raw little-endian float32. Both sides read and write with this module.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, Optional, Union

import msgspec
import numpy as np

CONTRACT = 1  # raised with every change that an older side would not understand
HEAD = struct.Struct(">II")
MOST_MESSAGE = 4 << 20  # bytes
MOST_SOUND = 1 << 20  # bytes of one frame: 11 s at 24 kHz; longer sound comes in several
MOST_SAMPLES = 1 << 28  # of all frames of one sound together: three hours at 24 kHz
RECEIVE_BYTES = 1 << 18
SAMPLE_BYTES = 4

Samples = Any  # numpy.ndarray of float32; its generic alias needs a newer Python than 3.9


class ProtocolError(Exception):
    """The error of a side that sends what is no frame or no message."""


class HostMessage(msgspec.Struct, tag=True, omit_defaults=True):
    """A message of either side."""


class TextPart(msgspec.Struct):
    """A part of a text that is in one language."""

    text: str
    language: str


class SpokenWord(msgspec.Struct):
    """A word and its times in seconds from the start of its chunk."""

    text: str
    start: float
    end: float


class Load(HostMessage):
    """Load the model; the host answers with `Progress`, then with `Loaded` or `Failed` 0."""

    options: dict[str, Any]


class Speak(HostMessage):
    """Speak a piece of a line; its sound comes as `Audio`, one chunk for each `More`."""

    request: int
    segments: list[TextPart]
    character: str
    digest: str = ""  # of the character's files
    voice: dict[str, Any] = {}  # what the adapter needs of the character
    accent: Optional[str] = None
    speed: float = 1.0
    seed: int = 0
    first: bool = True  # whether the line begins with it
    options: dict[str, Any] = {}
    line: int = 0  # the number of the line, which its pieces share
    longprompt: bool = False
    pieces: int = 0  # of the line that have been spoken


class Convert(HostMessage):
    """Begin a conversion; each `Block` gives one `Audio`."""

    request: int
    change: dict[str, Any]


class Block(HostMessage):
    """A block of a conversion's input; with `more` the next frame goes on with it."""

    request: int
    more: bool = False


class More(HostMessage):
    """Permission for one more chunk of a stream: nothing is computed that nobody wants."""

    request: int


class Drop(HostMessage):
    """The end of the server's interest in a request."""

    request: int


class Ask(HostMessage):
    """A question to the adapter, such as the plan of a conversion, answered with `Answered`."""

    request: int
    name: str
    arguments: dict[str, Any] = {}


class CheckAlive(HostMessage):
    """A question whether the host is alive, answered with `Alive`."""

    number: int


class Unload(HostMessage):
    """The end of the host: it frees the model and leaves."""


class Hello(HostMessage):
    """The first message of a host."""

    contract: int
    adapter: str
    version: str
    pid: int
    sample_rate: int = 0
    languages: list[str] = []
    streams: int = 1  # that the adapter computes at once


class Progress(HostMessage):
    """News of a load: the part that is done, from 0 to 1, and what is done now."""

    done: float
    what: str = ""


class Loaded(HostMessage):
    """The end of a load, with facts that are known only now."""

    facts: dict[str, Any] = {}


class Audio(HostMessage):
    """A chunk of sound; with `more` the next frame goes on with it."""

    request: int
    words: list[SpokenWord] = []
    more: bool = False


class Ended(HostMessage):
    """The end of a stream, after its last chunk or after a cancel."""

    request: int


class Answered(HostMessage):
    """The answer to an `Ask`."""

    request: int
    value: Any = None


class Failed(HostMessage):
    """The error of a request, or of the load (request 0).

    `kind` is a class of `realtime.errors` where the error is for people; else it is empty.
    """

    request: int
    message: str
    kind: str = ""
    code: str = ""
    hint: Optional[str] = None
    field: Optional[str] = None
    retry_after: Optional[float] = None


class Alive(HostMessage):
    """The answer to `CheckAlive`, with the bytes that the process holds of a GPU."""

    number: int
    device_bytes: int = 0


class Log(HostMessage):
    """A line for the log of the server."""

    level: int
    text: str


ToHost = Union[Load, Speak, Convert, Block, More, Drop, Ask, CheckAlive, Unload]
ToServer = Union[Hello, Progress, Loaded, Audio, Ended, Answered, Failed, Alive, Log]
Frame = tuple[Any, bytes]  # a message and its sound


class FrameReader:
    """A reader of frames from the bytes that arrive."""

    def __init__(self, messages: Any) -> None:
        self._decoder: Any = msgspec.msgpack.Decoder(messages)
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are whole with these bytes."""
        self._rest += data
        while len(self._rest) >= HEAD.size:
            message_bytes, sound_bytes = HEAD.unpack_from(self._rest)
            if message_bytes > MOST_MESSAGE or sound_bytes > MOST_SOUND:
                raise ProtocolError(f"a frame of {message_bytes} and {sound_bytes} bytes")
            middle = HEAD.size + message_bytes
            if len(self._rest) < middle + sound_bytes:
                return
            message = bytes(self._rest[HEAD.size : middle])
            sound = bytes(self._rest[middle : middle + sound_bytes])
            del self._rest[: middle + sound_bytes]
            try:
                yield self._decoder.decode(message), sound
            except msgspec.MsgspecError as error:
                raise ProtocolError(f"a message that is none: {error}") from error


class FrameWriter:
    """A writer of frames on a socket; several threads may write."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._encoder = msgspec.msgpack.Encoder()
        self._lock = threading.Lock()

    def send(self, message: Any, sound: bytes = b"") -> None:
        """Send a message whole; raise OSError where the other side is gone."""
        encoded = self._encoder.encode(message)
        if len(encoded) > MOST_MESSAGE or len(sound) > MOST_SOUND:
            raise ProtocolError(f"{type(message).__name__} is too large to be sent")
        head = HEAD.pack(len(encoded), len(sound))
        with self._lock:
            self._socket.sendall(b"".join((head, encoded, sound)))


def cut_sound(samples: Samples) -> Iterator[tuple[bytes, bool]]:
    """Yield the bytes of some sound, frame by frame, each with whether more follows."""
    data = np.ascontiguousarray(samples, dtype="<f4").tobytes()
    for start in range(0, max(len(data), 1), MOST_SOUND):
        yield data[start : start + MOST_SOUND], start + MOST_SOUND < len(data)


class JoinedSound:
    """Sound that comes in several frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._bytes = 0

    def add(self, sound: bytes, more: bool) -> Optional[Samples]:
        """Take a frame; return the whole sound with its last one."""
        if len(sound) % SAMPLE_BYTES:
            raise ProtocolError(f"{len(sound)} bytes are no whole samples")
        self._bytes += len(sound)
        if self._bytes > MOST_SAMPLES * SAMPLE_BYTES:
            raise ProtocolError("a sound that does not end")
        self._parts.append(sound)
        if more:
            return None
        joined, self._parts, self._bytes = b"".join(self._parts), [], 0
        return np.frombuffer(joined, dtype="<f4").astype(np.float32)
