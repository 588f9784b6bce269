"""The plans that capture each bucket once as a CUDA graph and replay it in each call."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
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

CAPTURE_SECONDS = 60.0  # how long a capture waits until no thread works on the device


class Graphs(Backend):
    """Graphs of another backend's run: of the compiled network, or of the eager one.

    The graphs share memory, so each replay and each capture holds the lock on it.
    """

    def __init__(self, plan: str, spec: NetworkSpec, recorder: Recorder, inner: Backend) -> None:
        policy = spec.policy
        self.plan = plan
        self._name = spec.name
        self._lease_seconds = policy.lease_seconds
        self._recorder = recorder
        self._inner = inner
        self._cache = GraphCache(
            recorder, policy.graphs, policy.graph_bytes, spec.counters.recent_uses
        )
        self._buffers = BufferLock(recorder.begin, recorder.end)

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        logger.info("%s: recording %s", self._name, [tuple(item.shape) for item in inputs])
        started = time.perf_counter()
        run = partial(self._inner.run, sizes)
        # Before the locks: both may take minutes, and calls of other buckets go on meanwhile.
        self._inner.prepare(sizes, inputs)
        self._recorder.warm(run, inputs)
        with DEVICE_LOCK.alone(CAPTURE_SECONDS), self._buffers.turn(self._lease_seconds):
            # Under the lock of the buffers: the graphs that it closes are not in use.
            self._cache.capture(sizes, run, inputs)
        logger.info("%s: recorded %s in %.3f s", self._name, sizes, time.perf_counter() - started)

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        with ExitStack() as stack:
            stack.enter_context(self._buffers.turn(self._lease_seconds))
            graph = self._cache.get(sizes)
            if graph is None:
                raise NotNow("its graph was closed to make room for others")
            for static, item in zip(graph.inputs, inputs, strict=True):
                static.copy_(item)
            graph.replay()
            if lease is None:
                return tuple(item.clone() for item in graph.outputs)
            lease.push(stack.pop_all())  # the buffers stay locked until the lease is closed
            return graph.outputs

    def holds(self, sizes: Sizes) -> bool:
        return sizes in self._cache

    def has_place_for(self, sizes: Sizes) -> bool:
        return self._cache.has_place_for(sizes)

    def drop(self, sizes: Sizes) -> None:
        with self._buffers.turn(CAPTURE_SECONDS):
            self._cache.drop(sizes)
        self._inner.drop(sizes)

    def close(self) -> None:
        with self._buffers.turn(CAPTURE_SECONDS):
            self._cache.clear()
        self._inner.close()

    def described(self) -> dict[str, Any]:
        return {
            "captures": self._cache.captures,
            "held": len(self._cache),
            "evictions": self._cache.evictions,
            "bytes": self._cache.bytes,
            "records": self._inner.plan,
        }
