"""The plan that records each bucket once and plays it again, under leases on its buffers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.buffer_lock import BufferLock
from realtime.acceleration.backends.cuda_capture import Recorder
from realtime.acceleration.backends.graph_cache import GraphCache
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.refusals import NotNow
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec

logger = logging.getLogger(__name__)

CAPTURE_SECONDS = 60.0  # how long a capture waits until nobody works on the device


class Graphs(Backend):
    """Recordings of what another form does: of the compiled network, or of the eager one.

    They share memory, so a turn is taken for each play and each capture.
    """

    def __init__(self, plan: str, parts: NetworkSpec, recorder: Recorder, inner: Backend) -> None:
        policy = parts.policy
        self.plan = plan
        self._name = parts.name
        self._lease_seconds = policy.lease_seconds
        self._recorder = recorder
        self._inner = inner
        self._catalogue = GraphCache(policy.graphs, policy.graph_bytes)
        self._turns = BufferLock(recorder.begin, recorder.end)

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        """What takes long comes before the turn: whoever plays another bucket goes on."""
        logger.info("%s: recording %s", self._name, [tuple(item.shape) for item in inputs])
        started = time.perf_counter()
        run = partial(self._inner.run, sizes)
        self._inner.prepare(sizes, inputs)
        self._recorder.warm(run, inputs)
        with DEVICE_LOCK.alone(CAPTURE_SECONDS), self._turns.turn(self._lease_seconds):
            shelf = self._catalogue.shelf(self._recorder.pool)
            try:
                recording = self._recorder.record(run, inputs, shelf.pool)
            except BaseException:
                self._catalogue.shut()
                raise
            seconds = time.perf_counter() - started
            # Within the turn: what is evicted is not being played.
            self._catalogue.add(shelf, sizes, recording, seconds)
        logger.info("%s: recorded %s in %.3f s", self._name, sizes, seconds)

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        with self.lease(sizes, inputs) as outputs:
            return tuple(item.clone() for item in outputs)

    @contextmanager
    def lease(self, sizes: Sizes, inputs: Tensors) -> Iterator[Tensors]:
        with self._turns.turn(self._lease_seconds):
            recording = self._catalogue.get(sizes)
            if recording is None:
                raise NotNow("its recording was given up for others")
            for static, item in zip(recording.inputs, inputs, strict=True):
                static.copy_(item)
            recording.replay()
            yield recording.outputs

    def holds(self, sizes: Sizes) -> bool:
        return sizes in self._catalogue

    def has_place_for(self, uses: int) -> bool:
        return self._catalogue.has_place_for(uses)

    def drop(self, sizes: Sizes) -> None:
        with self._turns.turn(CAPTURE_SECONDS):
            self._catalogue.drop(sizes)
        self._inner.drop(sizes)

    def close(self) -> None:
        with self._turns.turn(CAPTURE_SECONDS):
            self._catalogue.clear()
        self._inner.close()

    def described(self) -> dict[str, Any]:
        return {
            "captures": self._catalogue.captures,
            "held": len(self._catalogue),
            "evictions": self._catalogue.evictions,
            "bytes": self._catalogue.bytes,
            "records": self._inner.plan,
        }
