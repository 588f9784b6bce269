"""A network on several devices: a free device takes the next piece, results come in order."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
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
    failed: dict[str, Exception] = field(default_factory=dict)


@dataclass
class _Device:
    """A replica: in doubt while what it failed at is tried elsewhere, out when that passes."""

    run: Callable[..., Any]
    done: int = 0
    doubted: bool = False
    out: str | None = None


class Replicas:
    """Pieces wait in one queue, and whichever device is free takes the next it has not failed at.

    A piece that fails is done again on another device. When it passes there the first device is
    taken out; when it fails everywhere the piece was at fault, and its error goes to its asker.
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
            threading.Thread(target=self._work, args=(name,), name=f"replica-{name}", daemon=True)
            for name in workers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, *inputs: Any) -> Future[Any]:
        """A piece's result, from whichever device is free first."""
        piece = _Piece(inputs, Future())
        with self._changed:
            if self._closed:
                raise Busy("The devices are closed.", retry_after=2)
            if len(self._waiting) >= self._most_waiting:
                raise Busy(f"{len(self._waiting)} pieces already wait for a device.", retry_after=1)
            self._waiting.append(piece)
            self._settle()
            self._changed.notify_all()
        return piece.result

    def map(self, pieces: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """The results of many pieces in their order; only a few are under way at a time."""
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
        """How many devices have not been taken out."""
        with self._changed:
            return sum(device.out is None for device in self._devices.values())

    def described(self) -> list[dict[str, Any]]:
        with self._changed:
            return [
                {"device": name, "done": device.done, "out": device.out}
                for name, device in self._devices.items()
            ]

    def close(self) -> None:
        """Refuse what waits; what is under way ends first."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=5.0)
        while self._waiting:
            _fail(self._waiting.popleft(), Busy("The devices are closed.", retry_after=2))

    def _work(self, name: str) -> None:
        device = self._devices[name]
        while (piece := self._taken(name)) is not None:
            if not piece.failed and not piece.result.set_running_or_notify_cancel():
                continue
            try:
                found = device.run(*piece.inputs)
            except Exception as error:  # noqa: BLE001 -- a device's error is tried elsewhere first
                self._failed(name, piece, error)
            else:
                self._passed(name, piece)
                piece.result.set_result(found)

    def _taken(self, name: str) -> _Piece | None:
        """The next piece for a device, in the order in which they came."""
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
        if device.out is not None or name in piece.failed:
            return False
        # Who is in doubt waits, unless nobody else could take the piece.
        return not device.doubted or not any(
            other.out is None and not other.doubted and key not in piece.failed
            for key, other in self._devices.items()
        )

    def _passed(self, name: str, piece: _Piece) -> None:
        with self._changed:
            self._devices[name].done += 1
            self._devices[name].doubted = False
            for failed, error in piece.failed.items():
                if not isinstance(error, OutOfMemory):
                    self._devices[failed].out = error_text(error)
                    logger.error("%s is taken out: %s", failed, error_text(error))
            self._settle()
            self._changed.notify_all()

    def _failed(self, name: str, piece: _Piece, error: Exception) -> None:
        with self._changed:
            piece.failed[name] = error
            if isinstance(error, BadRequest):
                piece.result.set_exception(error)  # wrong everywhere
                return
            self._devices[name].doubted = not isinstance(error, OutOfMemory)
            self._waiting.appendleft(piece)  # what was begun is due first
            self._settle()
            self._changed.notify_all()

    def _settle(self) -> None:
        """Give up pieces that no device is left for."""
        live = [name for name, device in self._devices.items() if device.out is None]
        for piece in list(self._waiting):
            if any(name not in piece.failed for name in live):
                continue
            self._waiting.remove(piece)
            for name in piece.failed:
                self._devices[name].doubted = False
            error = next(iter(piece.failed.values()), None)
            _fail(piece, error or Unavailable("Every device was taken out.", retry_after=10))


def _fail(piece: _Piece, error: Exception) -> None:
    if piece.failed or piece.result.set_running_or_notify_cancel():
        piece.result.set_exception(error)


def returning(quick: Callable[..., Any], home: Any) -> Callable[..., Any]:
    """A network whose results come to one device, whichever it runs on."""

    def run(*inputs: Any) -> Any:
        found = quick(*inputs)
        if isinstance(found, tuple):
            return tuple(item.to(home) for item in found)
        return found.to(home)

    return run


class Spread:
    """Called like each of its networks, which are the same one on a device of its own each.

    They take a batch and give as many rows. A device that fails is taken out; its rows are done by
    the others.
    """

    def __init__(self, networks: Mapping[str, Callable[[Tensor], Tensor]], home: str) -> None:
        """Results come back to the device `home`."""
        import torch

        self._torch = torch
        self.replicas = Replicas(
            {name: returning(network, torch.device(home)) for name, network in networks.items()}
        )

    def __call__(self, batch: Tensor) -> Tensor:
        rows = -(-len(batch) // max(1, self.replicas.live))
        pieces = [batch[start : start + rows] for start in range(0, len(batch), rows)]
        with DEVICE_LOCK.waiting():  # the devices' threads are at work, this one waits for them
            found = list(self.replicas.map((piece,) for piece in pieces))
        return found[0] if len(found) == 1 else self._torch.cat(found)

    def described(self) -> list[dict[str, Any]]:
        return self.replicas.described()

    def close(self) -> None:
        self.replicas.close()
