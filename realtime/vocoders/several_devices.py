"""A network on several devices: a free device takes the next piece, results come in order."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from realtime.acceleration.counters import error_text
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.shapes import Tensors
from realtime.errors import BadRequest, Busy, OutOfMemory, Unavailable

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

AHEAD = 2  # pieces a device that `map` gives out before their results are taken


@dataclass(eq=False)
class _Piece:
    inputs: Tensors
    result: Future[Any]
    context: Context = field(default_factory=copy_context)  # of the caller, whose id the log has
    errors: dict[str, Exception] = field(default_factory=dict)  # by the device that failed


@dataclass
class _Device:
    """A device with its network.

    It is in doubt while a piece that it failed at is tried elsewhere; when that succeeds it is
    taken out for the reason `out`.
    """

    run: Callable[..., Any]
    doubted: bool = False
    out: str | None = None


class DeviceQueue:
    """A queue of pieces; a free device takes the first piece that it has not failed at.

    A piece that fails is done again on another device. When it passes there, the first device is
    taken out. When it fails everywhere, the piece was at fault, and its caller gets the error.
    """

    def __init__(self, workers: Mapping[str, Callable[..., Any]], most_waiting: int = 256) -> None:
        if not workers:
            raise BadRequest("At least one device is needed.")
        self._devices = {name: _Device(run) for name, run in workers.items()}
        self._most_waiting = most_waiting
        self._waiting: deque[_Piece] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"device-{name}", daemon=True)
            for name in workers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, *inputs: Any) -> Future[Any]:
        """Queue a piece and return its future result."""
        piece = _Piece(inputs, Future())
        with self._changed:
            if self._closed:
                raise Busy("The devices are closed.", retry_after=2)
            if len(self._waiting) >= self._most_waiting:
                raise Busy(f"{len(self._waiting)} pieces already wait for a device.", retry_after=1)
            self._waiting.append(piece)
            self._give_up_hopeless()
            self._changed.notify_all()
        return piece.result

    def map(self, pieces: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """Yield the results of pieces in their order; only a few are under way at a time."""
        under_way: deque[Future[Any]] = deque()
        try:
            for inputs in pieces:
                under_way.append(self.submit(*inputs))
                if len(under_way) >= AHEAD * len(self._devices):
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for result in under_way:
                result.cancel()

    @property
    def live(self) -> int:
        """Count the devices that have not been taken out."""
        with self._changed:
            return sum(device.out is None for device in self._devices.values())

    def close(self) -> None:
        """Refuse the pieces that wait; the pieces under way end first."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=5.0)
        while self._waiting:
            _fail(self._waiting.popleft(), Busy("The devices are closed.", retry_after=2))

    def _work(self, name: str) -> None:
        device = self._devices[name]
        while (piece := self._take(name)) is not None:
            if not piece.errors and not piece.result.set_running_or_notify_cancel():
                continue
            try:
                found = piece.context.run(device.run, *piece.inputs)
            except Exception as error:  # noqa: BLE001 -- a device's error is tried elsewhere first
                self._note_failure(name, piece, error)
            else:
                piece.context.run(self._note_success, name, piece)
                piece.result.set_result(found)

    def _take(self, name: str) -> _Piece | None:
        """Wait for the next piece for a device; return None when the queue is closed."""
        with self._changed:
            while not self._closed:
                for piece in self._waiting:
                    if self._may_take(name, piece):
                        self._waiting.remove(piece)
                        return piece
                self._changed.wait()
            return None

    def _may_take(self, name: str, piece: _Piece) -> bool:
        device = self._devices[name]
        if device.out is not None or name in piece.errors:
            return False
        # A device in doubt waits, unless no other device could take the piece.
        return not device.doubted or not any(
            other.out is None and not other.doubted and key not in piece.errors
            for key, other in self._devices.items()
        )

    def _note_success(self, name: str, piece: _Piece) -> None:
        with self._changed:
            self._devices[name].doubted = False
            for failed, error in piece.errors.items():
                if not isinstance(error, OutOfMemory):
                    self._devices[failed].out = error_text(error)
                    logger.error("%s is taken out: %s", failed, error_text(error))
            self._give_up_hopeless()
            self._changed.notify_all()

    def _note_failure(self, name: str, piece: _Piece, error: Exception) -> None:
        with self._changed:
            piece.errors[name] = error
            if isinstance(error, BadRequest):
                piece.result.set_exception(error)  # wrong on every device
                return
            self._devices[name].doubted = not isinstance(error, OutOfMemory)
            self._waiting.appendleft(piece)  # it was begun, so it goes first
            self._give_up_hopeless()
            self._changed.notify_all()

    def _give_up_hopeless(self) -> None:
        """Fail the pieces that no device is left for."""
        live = [name for name, device in self._devices.items() if device.out is None]
        for piece in list(self._waiting):
            if any(name not in piece.errors for name in live):
                continue
            self._waiting.remove(piece)
            for name in piece.errors:
                self._devices[name].doubted = False
            error = next(iter(piece.errors.values()), None)
            _fail(piece, error or Unavailable("Every device was taken out.", retry_after=10))


def _fail(piece: _Piece, error: Exception) -> None:
    if piece.errors or piece.result.set_running_or_notify_cancel():
        piece.result.set_exception(error)


class MultiDeviceNetwork:
    """The same network on several devices, called like one of them.

    It takes a batch and gives as many rows. The rows of a device that fails are done by the others,
    and that device is taken out.
    """

    def __init__(self, networks: Mapping[str, Callable[[Tensor], Tensor]], home: str) -> None:
        """Start a thread for each network; results come back to the device `home`."""
        import torch

        self._torch = torch
        self.queue = DeviceQueue(
            {name: _with_results_on(home, network) for name, network in networks.items()}
        )

    def __call__(self, batch: Tensor) -> Tensor:
        rows = -(-len(batch) // max(1, self.queue.live))
        pieces = [batch[start : start + rows] for start in range(0, len(batch), rows)]
        with DEVICE_LOCK.waiting():  # the devices' threads work while this one only waits
            found = list(self.queue.map((piece,) for piece in pieces))
        return found[0] if len(found) == 1 else self._torch.cat(found)

    def close(self) -> None:
        self.queue.close()


def _with_results_on(home: str, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Give a network whose results come to the device `home`."""

    def run(batch: Tensor) -> Tensor:
        return network(batch).to(home)

    return run
