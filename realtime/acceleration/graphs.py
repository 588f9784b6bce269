"""The plan that records each bucket once and plays it again, under leases on its buffers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from realtime.acceleration import memory
from realtime.acceleration.catalogue import Catalogue
from realtime.acceleration.forms import CannotRun, Form, NotNow
from realtime.acceleration.ledger import in_words
from realtime.acceleration.parts import Parts
from realtime.acceleration.recorder import Recorder, Recording
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.turns import Turns

logger = logging.getLogger(__name__)

CAPTURE_SECONDS = 60.0  # how long a capture waits for those who play


class Graphs(Form):
    """Recordings of what another form does: of the compiled network, or else of the eager one.

    All recordings share a memory, so a turn is taken for each play and each capture.
    """

    plan = "graphs"

    def __init__(self, parts: Parts, recorder: Recorder, inner: Sequence[Form]) -> None:
        self._name = parts.name
        self._seconds = parts.policy.lease_seconds
        self._recorder = recorder
        self._inner = list(inner)
        self._catalogue = Catalogue(parts.policy.graphs, parts.policy.graph_bytes)
        self._turns = Turns(recorder.begin, recorder.end)

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        logger.info("%s: recording %s", self._name, [tuple(item.shape) for item in inputs])
        started = time.perf_counter()
        with self._turns.turn(CAPTURE_SECONDS):
            recording = self._recorded(sizes, inputs)
            seconds = time.perf_counter() - started
            # Within the turn: what is evicted is not being played.
            self._catalogue.add(sizes, recording, seconds)
        logger.info("%s: recorded %s in %.3f s", self._name, sizes, seconds)

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        with self.lease(sizes, inputs) as outputs:
            return tuple(item.clone() for item in outputs)

    @contextmanager
    def lease(self, sizes: Sizes, inputs: Tensors) -> Iterator[Tensors]:
        with self._turns.turn(self._seconds):
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

    def close(self) -> None:
        with self._turns.turn(CAPTURE_SECONDS):
            self._catalogue.clear()

    def described(self) -> dict[str, Any]:
        return {
            "captures": self._catalogue.captures,
            "held": len(self._catalogue),
            "evictions": self._catalogue.evictions,
            "bytes": self._catalogue.bytes,
            "records": self._inner[0].plan if self._inner else None,
        }

    def _recorded(self, sizes: Sizes, inputs: Tensors) -> Recording:
        """A recording of the best form that can be recorded."""
        while self._inner:
            form = self._inner[0]
            try:
                form.prepare(sizes, inputs)
                return self._recorder.record(partial(form.run, sizes), inputs)
            except Exception as error:
                if memory.is_out_of_memory(error) or len(self._inner) == 1:
                    raise
                logger.warning(
                    "%s: %s cannot be recorded: %s", self._name, form.plan, in_words(error)
                )
                self._inner.pop(0)
        raise CannotRun("there is nothing to record")
