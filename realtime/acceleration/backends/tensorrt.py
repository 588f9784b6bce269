"""The plan that builds a TensorRT engine, where its libraries are installed."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime.acceleration import machine
from realtime.acceleration.backends import export
from realtime.acceleration.backends.built import Engine
from realtime.acceleration.refusals import CannotRun, NotNow
from realtime.acceleration.shapes import Tensors
from realtime.acceleration.spec import NetworkSpec

if TYPE_CHECKING:
    import torch

CONVERTER = "torch-tensorrt"


class TensorRt:
    """Engines for every length between the smallest and the largest bucket, best at the example's.

    Built by torch-tensorrt from the exported network in its own precision, run by TensorRT itself.
    """

    plan = "tensorrt"

    def check(self, parts: NetworkSpec) -> None:
        if machine.package_version(CONVERTER) is None:
            raise CannotRun(f"{CONVERTER} is not installed")
        if parts.network.device.type != "cuda":
            raise CannotRun(
                f"TensorRT needs a CUDA device; this network is on {parts.network.device}"
            )
        export.check(parts, "TensorRT")

    def facts(self, parts: NetworkSpec) -> dict[str, str]:
        found = machine.machine_facts(parts.network.device)
        found[CONVERTER] = machine.package_version(CONVERTER) or "unknown"
        # Its packages have many names, the library has one.
        found["tensorrt"] = str(_library().__version__)
        return {**found, "workspace": str(parts.policy.workspace_bytes)}

    def build(self, parts: NetworkSpec) -> bytes:
        import torch_tensorrt

        with _on(parts.network.device):
            data = torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine(
                export.exported(parts),
                arg_inputs=[
                    self._range(parts, i, torch_tensorrt) for i in range(len(parts.examples))
                ],
                use_explicit_typing=True,  # in the network's own precision, as it was checked
                disable_tf32=True,
                workspace_size=parts.policy.workspace_bytes,
                device=parts.network.device,
            )
        return bytes(data)

    def load(self, parts: NetworkSpec, data: bytes) -> Engine:
        library = _library()
        with _on(parts.network.device):
            runtime = library.Runtime(library.Logger(library.Logger.ERROR))
            engine = runtime.deserialize_cuda_engine(data)
        if engine is None:
            raise CannotRun("TensorRT refuses the engine")
        return Contexts(engine, library, parts.network.device)

    def _range(self, parts: NetworkSpec, i: int, library: Any) -> Any:
        shapes = parts.shapes
        return library.Input(
            min_shape=shapes.shape(i, shapes.smallest),
            opt_shape=shapes.shape(i, shapes.example),
            max_shape=shapes.shape(i, shapes.largest),
            dtype=parts.examples[i].dtype,
        )


@dataclass(frozen=True)
class Context:
    """What one call at a time runs an engine with; the work it queued is ordered by its stream."""

    execution: Any
    stream: torch.cuda.Stream


class Contexts:
    """A loaded engine with as many contexts as there were calls at once."""

    def __init__(self, engine: Any, library: Any, device: torch.device) -> None:
        self._engine = engine
        self._library = library
        self._device = device
        self._free: deque[Context] = deque()
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        modes = {name: engine.get_tensor_mode(name) for name in names}
        self._inputs = [name for name in names if modes[name] == library.TensorIOMode.INPUT]
        self._outputs = [name for name in names if modes[name] == library.TensorIOMode.OUTPUT]

    def __call__(self, inputs: Tensors) -> Tensors:
        with _on(self._device):
            context = self._taken()
            found = self._ran(context, inputs)
            # Only now: a context that failed may be in any state, and is not used again.
            self._free.append(context)
            return found

    def _taken(self) -> Context:
        """To make one takes memory and a while, so they are kept."""
        import torch

        try:
            return self._free.pop()
        except IndexError:
            pass
        execution = self._engine.create_execution_context()
        if execution is None:
            raise NotNow("TensorRT has no memory for another call at once")
        stream: torch.cuda.Stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        return Context(execution, stream)

    def _ran(self, context: Context, inputs: Tensors) -> Tensors:
        import torch

        execution = context.execution
        held = [item.contiguous() for item in inputs]
        for name, item in zip(self._inputs, held, strict=True):
            execution.set_input_shape(name, tuple(item.shape))
            execution.set_tensor_address(name, item.data_ptr())
        found = []
        for name in self._outputs:
            shape = tuple(execution.get_tensor_shape(name))
            output = torch.empty(shape, dtype=self._kind(name), device=self._device)
            execution.set_tensor_address(name, output.data_ptr())
            found.append(output)
        # On its own stream: on torch's TensorRT waits for the device at every run. What comes
        # after on torch's waits for it, so the tensors may go once that is queued.
        stream = torch.cuda.current_stream(self._device)
        context.stream.wait_stream(stream)
        done = execution.execute_async_v3(context.stream.cuda_stream)
        stream.wait_stream(context.stream)
        if not done:
            raise CannotRun("TensorRT could not run its engine")
        return tuple(found)

    def _kind(self, name: str) -> torch.dtype:
        import torch

        kinds = self._library.DataType
        known = {
            kinds.FLOAT: torch.float32,
            kinds.HALF: torch.float16,
            kinds.BF16: torch.bfloat16,
            kinds.INT32: torch.int32,
            kinds.INT64: torch.int64,
            kinds.BOOL: torch.bool,
        }
        return known[self._engine.get_tensor_dtype(name)]


def _library() -> Any:
    try:
        import tensorrt
    except ImportError as error:
        raise CannotRun(f"TensorRT does not load: {error}") from error
    return tensorrt


def _on(device: torch.device) -> AbstractContextManager[Any]:
    """Whatever TensorRT makes belongs to the GPU that is current."""
    import torch

    return torch.cuda.device(device)
