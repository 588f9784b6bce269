"""The capture of a run as a CUDA graph, which replays it on buffers of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from realtime.acceleration import device_memory
from realtime.acceleration.counters import error_text
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

WARM_UPS = 3  # runs before a capture: libraries choose their kernels and take their memory
Run = Callable[[Tensors], Tensors]


class Pool(Protocol):
    """Memory that graphs share: all of it is held until the last of them is closed."""

    @property
    def bytes(self) -> int: ...


class CapturedGraph(Protocol):
    """A captured run: from what is put into `inputs`, `replay` computes `outputs`."""

    inputs: Tensors
    outputs: Tensors

    def replay(self) -> None: ...

    def close(self) -> None: ...


class Recorder(Protocol):
    """A maker of graphs, of which only one may run at a time: they share memory."""

    def pool(self) -> Pool: ...

    def warm(self, run: Run, inputs: Tensors) -> None:
        """Run until libraries have chosen their kernels and taken their memory."""

    def record(self, run: Run, inputs: Tensors, pool: Pool) -> CapturedGraph:
        """Capture a run; no other thread may work on the device meanwhile."""

    def begin(self) -> None:
        """Order what this thread queues on the buffers after what the last holder queued."""

    def end(self) -> None:
        """Mark that this thread has queued all that it wants on the buffers."""


class CudaPool:
    """A private pool of torch's allocator."""

    def __init__(self, device: torch.device) -> None:
        import torch

        self.device = device
        self.handle = torch.cuda.graph_pool_handle()
        self.known = 0  # bytes, when they were last looked at
        device_memory.count_as_taken(self)

    @property
    def bytes(self) -> int:
        import torch

        # The sum of what torch holds hardly grows with a later graph of a pool, so it tells
        # nothing; the pool's segments do.
        segments = torch.cuda.memory_snapshot(self.handle, include_traces=False)  # type: ignore[no-untyped-call]
        self.known = sum(int(segment["total_size"]) for segment in segments)
        return self.known


class CudaCapturedGraph:
    """A CUDA graph with its static buffers."""

    def __init__(self, graph: torch.cuda.CUDAGraph, inputs: Tensors, outputs: Tensors) -> None:
        self._graph = graph
        self.inputs = inputs
        self.outputs = outputs

    def replay(self) -> None:
        self._graph.replay()

    def close(self) -> None:
        import torch

        if self.inputs:  # its memory may be used by others at once: first what is queued ends
            torch.cuda.current_stream(self.inputs[0].device).synchronize()
        self._graph.reset()
        self.inputs = self.outputs = ()


class CudaRecorder:
    """A recorder on a side stream; after a failed capture torch is as it was before."""

    def __init__(self, device: torch.device) -> None:
        import torch

        if device.type != "cuda" or not torch.cuda.is_available():
            raise CannotRun(f"graphs need a CUDA device; this network is on {device}")
        self._device = device
        self._stream = self._new_stream()
        self._done: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._broken: str | None = None

    def pool(self) -> CudaPool:
        return CudaPool(self._device)

    def warm(self, run: Run, inputs: Tensors) -> None:
        import torch

        with torch.cuda.device(self._device):
            static = self._static_copy(inputs)
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS):
                    run(static)
            self._stream.synchronize()

    def record(self, run: Run, inputs: Tensors, pool: Pool) -> CudaCapturedGraph:
        import torch

        assert isinstance(pool, CudaPool), "a pool of another recorder"
        if self._broken is not None:
            raise CannotRun(f"graphs broke on this device: {self._broken}")
        with torch.cuda.device(self._device):
            static = self._static_copy(inputs)
            self._stream.synchronize()
            torch.cuda.empty_cache()  # a pool cannot use what the warm-up left: both would be held
            graph = torch.cuda.CUDAGraph()
            try:
                outputs = self._capture(graph, run, static, pool)
            except BaseException:
                self._recover(pool)
                raise
            torch.cuda.current_stream().wait_stream(self._stream)
            return CudaCapturedGraph(graph, static, outputs)

    def begin(self) -> None:
        import torch

        torch.cuda.current_stream(self._device).wait_event(self._done)

    def end(self) -> None:
        import torch

        self._done.record(torch.cuda.current_stream(self._device))

    def _static_copy(self, inputs: Tensors) -> Tensors:
        """Copy the inputs into buffers for the side stream."""
        import torch

        static = tuple(item.clone() for item in inputs)
        self._stream.wait_stream(torch.cuda.current_stream())
        return static

    def _capture(
        self, graph: torch.cuda.CUDAGraph, run: Run, static: Tensors, pool: CudaPool
    ) -> Tensors:
        import torch

        # Not by `torch.cuda.graph`: it waits for the whole device, and after a failure it leaves
        # its stream current.
        with torch.cuda.stream(self._stream):
            # In the mode "global" calls of other threads would spoil the capture.
            graph.capture_begin(pool.handle, capture_error_mode="thread_local")
            try:
                outputs = run(static)
            except BaseException:
                with suppress(RuntimeError):  # the run's own error is the one to tell
                    graph.capture_end()
                raise
            graph.capture_end()
        return outputs

    def _recover(self, pool: CudaPool) -> None:
        """End what a failed capture leaves begun in torch's allocator and its random numbers."""
        import torch

        index = self._device.index or 0
        with suppress(RuntimeError):  # raised where the capture came to its end after all
            torch._C._cuda_endAllocateToPool(index, pool.handle)
            torch._C._cuda_releasePool(index, pool.handle)
        self._stream = self._new_stream()
        try:
            self._capture_nothing()
        except RuntimeError as error:
            self._broken = error_text(error)
            logger.error("graphs broke on %s: %s", self._device, self._broken)

    def _capture_nothing(self) -> None:
        """Capture a tiny run: its end takes torch's random numbers out of the mode of capturing."""
        import torch

        number = torch.zeros(1, device=self._device)
        torch.cuda.current_stream().synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(self._stream):
            graph.capture_begin(capture_error_mode="thread_local")
            number.add_(1)
            graph.capture_end()
        graph.reset()

    def _new_stream(self) -> torch.cuda.Stream:
        import torch

        found: torch.cuda.Stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        return found
