"""Recording a run on buffers of its own, to be played again: on CUDA as a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from realtime.acceleration.forms import CannotRun
from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    import torch

WARM_UPS = 3  # runs before a capture: libraries choose their kernels and take their memory


class Recording(Protocol):
    """A run that was recorded: what is put into `inputs` comes out of `outputs`."""

    inputs: Tensors
    outputs: Tensors
    bytes: int

    def replay(self) -> None: ...

    def close(self) -> None: ...


class Recorder(Protocol):
    """Makes recordings that share one memory, so only one of them may be played at a time."""

    def record(self, run: Callable[[Tensors], Tensors], inputs: Tensors) -> Recording: ...

    def begin(self) -> None:
        """Before a holder of the buffers touches them: after what the last one queued."""

    def end(self) -> None:
        """When a holder has queued all it wants."""


class CudaRecording:
    """A CUDA graph with its static buffers."""

    def __init__(
        self, graph: torch.cuda.CUDAGraph, inputs: Tensors, outputs: Tensors, size: int
    ) -> None:
        self._graph = graph
        self.inputs = inputs
        self.outputs = outputs
        self.bytes = size

    def replay(self) -> None:
        self._graph.replay()

    def close(self) -> None:
        self._graph.reset()
        self.inputs = self.outputs = ()


class CudaRecorder:
    """Captures on a side stream into one pool, while other threads go on with their own work."""

    def __init__(self, device: torch.device) -> None:
        import torch

        if device.type != "cuda" or not torch.cuda.is_available():
            raise CannotRun(f"graphs need a CUDA device; this network is on {device}")
        self._device = device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._done: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, run: Callable[[Tensors], Tensors], inputs: Tensors) -> CudaRecording:
        import torch

        with torch.cuda.device(self._device):
            static = tuple(item.clone() for item in inputs)
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS):
                    run(static)
            self._stream.synchronize()
            torch.cuda.empty_cache()
            before = torch.cuda.memory_reserved()
            graph = torch.cuda.CUDAGraph()
            # Only this thread's unsafe calls spoil the capture: lanes of other engines go on.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                outputs = run(static)
            torch.cuda.current_stream().wait_stream(self._stream)
            return CudaRecording(
                graph, static, outputs, max(0, torch.cuda.memory_reserved() - before)
            )

    def begin(self) -> None:
        import torch

        torch.cuda.current_stream(self._device).wait_event(self._done)

    def end(self) -> None:
        import torch

        self._done.record(torch.cuda.current_stream(self._device))
