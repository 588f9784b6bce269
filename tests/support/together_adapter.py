"""An adapter that computes two streams at once: the second chunk of each waits for the other's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from realtime.engines.outside.adapter import Adapter, CancelFlag, Chunk, ReportProgress
from realtime.engines.outside.protocol import Speak


class TogetherAdapter(Adapter):
    name = "together"
    streams = 2

    def load(self, options: dict[str, Any], progress: ReportProgress) -> dict[str, Any]:
        self._both = threading.Barrier(2)
        return {}

    def speak(self, request: Speak, cancel: CancelFlag) -> Iterator[Chunk]:
        yield np.full(8, 0.1, np.float32), ()
        self._both.wait(timeout=60)
        yield np.full(8, 0.2, np.float32), ()
