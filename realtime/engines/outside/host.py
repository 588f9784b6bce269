"""The host of one engine: it reads what the server asks, and gives it to the adapter."""

from __future__ import annotations

import logging
import os
import queue
import socket
import sys
import threading
import traceback
from typing import Any, Callable, Optional

from realtime.engines.outside import protocol
from realtime.engines.outside.adapter import Adapter, AdapterError
from realtime.engines.outside.failure import MOST_LOGGED, failure
from realtime.engines.outside.host_streams import HostStream
from realtime.engines.outside.isolation import leave
from realtime.engines.outside.protocol import FrameReader, FrameWriter

MOST_STREAMS = 4_096  # open at once; the server has fewer lines
Job = Optional[Callable[[], None]]  # None: the end


class Host:
    """A host: one thread reads, and the main thread and its helpers compute."""

    def __init__(self, connected: socket.socket, adapter: Adapter) -> None:
        self._socket = connected
        self._adapter = adapter
        self._writer = FrameWriter(connected)
        self._streams: dict[int, HostStream] = {}
        self._workers: list[queue.SimpleQueue[Job]] = [
            queue.SimpleQueue() for _ in range(max(1, adapter.streams))
        ]

    def run(self) -> None:
        """Serve until the server says that it is enough, or is gone."""
        logging.getLogger().addHandler(_LogToServer(self._writer))
        adapter = self._adapter
        self._writer.send(
            protocol.Hello(
                protocol.CONTRACT,
                adapter.name,
                adapter.version,
                os.getpid(),
                adapter.sample_rate,
                list(adapter.languages),
                adapter.streams,
            )
        )
        for jobs in self._workers[1:]:
            threading.Thread(target=_work, args=(jobs,), daemon=True).start()
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        _work(self._workers[0])
        leave()

    def _read(self) -> None:
        """Read what the server asks; without the server there is nothing left to do."""
        try:
            reader = FrameReader(protocol.ToHost)
            while data := self._socket.recv(protocol.RECEIVE_BYTES):
                for message, sound in reader.feed(data):
                    self._take(message, sound)
        except OSError:
            pass
        except Exception:  # noqa: BLE001 -- whatever it is, a host that reads no more is of no use
            traceback.print_exc()
        leave()

    def _take(self, message: Any, sound: bytes) -> None:
        if isinstance(message, (protocol.Speak, protocol.Convert)):
            self._open(message)
        elif isinstance(message, protocol.Load):
            self._workers[0].put(lambda: self._load(message))
        elif isinstance(message, protocol.Ask):
            self._answer(message)
        elif isinstance(message, protocol.CheckAlive):
            self._writer.send(protocol.Alive(message.number, _device_bytes()))
        elif isinstance(message, protocol.Unload):
            self._workers[0].put(self._unload)
        else:
            stream = self._streams.get(message.request)
            if stream is not None:  # else it has ended meanwhile
                stream.take(message, sound)

    def _open(self, message: Any) -> None:
        if len(self._streams) >= MOST_STREAMS:
            raise protocol.ProtocolError(f"over {MOST_STREAMS} streams")
        jobs = self._workers[message.request % len(self._workers)]
        self._streams[message.request] = HostStream(
            message, self._adapter, self._writer.send, jobs.put, self._forget
        )

    def _forget(self, request: int) -> None:
        self._streams.pop(request, None)

    def _load(self, message: protocol.Load) -> None:
        try:
            missing = self._adapter.check(message.options)
            if missing:
                raise AdapterError(
                    f"Something is missing for {self._adapter.name}: {'; '.join(missing)}.",
                    "WeightsMissing",
                    hint="`python server.py check` says where it comes from.",
                )
            facts = self._adapter.load(
                message.options, lambda done, what: self._writer.send(protocol.Progress(done, what))
            )
            self._writer.send(protocol.Loaded(facts))
        except Exception as error:  # noqa: BLE001 -- the server tells it to people
            self._writer.send(failure(0, error))

    def _answer(self, message: protocol.Ask) -> None:
        try:
            value = self._adapter.ask(message.name, message.arguments)
            self._writer.send(protocol.Answered(message.request, value))
        except Exception as error:  # noqa: BLE001 -- the server tells it to people
            self._writer.send(failure(message.request, error))

    def _unload(self) -> None:
        try:
            self._adapter.unload()
        finally:
            leave()


class _LogToServer(logging.Handler):
    """A handler that sends what libraries log to the server's log."""

    def __init__(self, writer: FrameWriter) -> None:
        super().__init__(logging.INFO)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = f"{record.name}: {record.getMessage()}"[:MOST_LOGGED]
            self._writer.send(protocol.Log(record.levelno, text))
        except (OSError, protocol.ProtocolError):
            pass


def _work(jobs: queue.SimpleQueue[Job]) -> None:
    while True:
        job = jobs.get()
        if job is None:
            return
        job()


def _device_bytes() -> int:
    """Count the bytes that torch holds of GPUs, where something has loaded it."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return 0
    return sum(int(cuda.memory_reserved(number)) for number in range(cuda.device_count()))
