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
    """The builder of engines for every length from the smallest to the largest bucket.

    An engine is best at the lengths of the example. It is built by torch-tensorrt from the exported
    network, in the network's own precision, and run by TensorRT itself.
    """

    plan = "tensorrt"

    def check(self, spec: NetworkSpec) -> None:
        if machine.package_version(CONVERTER) is None:
            raise CannotRun(f"{CONVERTER} is not installed")
        if spec.network.device.type != "cuda":
            raise CannotRun(
                f"TensorRT needs a CUDA device; this network is on {spec.network.device}"
            )
        export.check(spec, "TensorRT")

    def facts(self, spec: NetworkSpec) -> dict[str, str]:
        found = machine.machine_facts(spec.network.device)
        found[CONVERTER] = machine.package_version(CONVERTER) or "unknown"
        # Its packages are called tensorrt-cu12 and the like, so only the library tells its version.
        found["tensorrt"] = str(_library().__version__)
        return {**found, "workspace": str(spec.policy.workspace_bytes)}

    def build(self, spec: NetworkSpec) -> bytes:
        import torch_tensorrt

        with _on(spec.network.device):
            data = torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine(
                export.export_network(spec),
                arg_inputs=[
                    self._range(spec, i, torch_tensorrt) for i in range(len(spec.examples))
                ],
                use_explicit_typing=True,  # in the network's own precision, as it was checked
                disable_tf32=True,
                workspace_size=spec.policy.workspace_bytes,
                device=spec.network.device,
            )
        return bytes(data)

    def load(self, spec: NetworkSpec, data: bytes) -> Engine:
        library = _library()
        with _on(spec.network.device):
            runtime = library.Runtime(library.Logger(library.Logger.ERROR))
            engine = runtime.deserialize_cuda_engine(data)
        if engine is None:
            raise CannotRun("TensorRT refuses the engine")
        return Contexts(engine, library, spec.network.device)

    def _range(self, spec: NetworkSpec, i: int, library: Any) -> Any:
        shapes = spec.shapes
        return library.Input(
            min_shape=shapes.shape(i, shapes.smallest),
            opt_shape=shapes.shape(i, shapes.example),
            max_shape=shapes.shape(i, shapes.largest),
            dtype=spec.examples[i].dtype,
        )


@dataclass(frozen=True)
class Context:
    """An execution context, for one call at a time, and the stream that orders its work."""

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
            context = self._free_context()
            found = self._run(context, inputs)
            # Only now: a context that failed may be in any state, and is not used again.
            self._free.append(context)
            return found

    def _free_context(self) -> Context:
        """Take a context that is free, or make one, which takes memory and time."""
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

    def _run(self, context: Context, inputs: Tensors) -> Tensors:
        import torch

        execution = context.execution
        held = [item.contiguous() for item in inputs]
        for name, item in zip(self._inputs, held, strict=True):
            execution.set_input_shape(name, tuple(item.shape))
            execution.set_tensor_address(name, item.data_ptr())
        found = []
        for name in self._outputs:
            shape = tuple(execution.get_tensor_shape(name))
            output = torch.empty(shape, dtype=self._dtype(name), device=self._device)
            execution.set_tensor_address(name, output.data_ptr())
            found.append(output)
        # On a stream of its own: on torch's stream TensorRT waits for the device in every run.
        # Torch's stream then waits for this one, so the tensors may be freed once that is queued.
        stream = torch.cuda.current_stream(self._device)
        context.stream.wait_stream(stream)
        done = execution.execute_async_v3(context.stream.cuda_stream)
        stream.wait_stream(context.stream)
        if not done:
            raise CannotRun("TensorRT could not run its engine")
        return tuple(found)

    def _dtype(self, name: str) -> torch.dtype:
        import torch

        types = self._library.DataType
        known = {
            types.FLOAT: torch.float32,
            types.HALF: torch.float16,
            types.BF16: torch.bfloat16,
            types.INT32: torch.int32,
            types.INT64: torch.int64,
            types.BOOL: torch.bool,
        }
        return known[self._engine.get_tensor_dtype(name)]


def _library() -> Any:
    try:
        import tensorrt
    except ImportError as error:
        raise CannotRun(f"TensorRT does not load: {error}") from error
    return tensorrt


def _on(device: torch.device) -> AbstractContextManager[Any]:
    """Make a GPU the current one: what TensorRT creates belongs to the current GPU."""
    import torch

    return torch.cuda.device(device)
