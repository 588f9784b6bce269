"""The plan that builds a TensorRT engine, where its libraries are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from realtime.acceleration import exporting, identity
from realtime.acceleration.built import Engine
from realtime.acceleration.forms import CannotRun
from realtime.acceleration.parts import Parts
from realtime.acceleration.shapes import Tensors

if TYPE_CHECKING:
    import torch

CONVERTER = "torch-tensorrt"


class TensorRt:
    """Engines for every length between the smallest and the largest bucket, best at the example's.

    Built by torch-tensorrt from the exported network in its own precision, run by TensorRT itself.
    """

    plan = "tensorrt"

    def check(self, parts: Parts) -> None:
        if identity.version(CONVERTER) is None:
            raise CannotRun(f"{CONVERTER} is not installed")
        if parts.network.device.type != "cuda":
            raise CannotRun(
                f"TensorRT needs a CUDA device; this network is on {parts.network.device}"
            )
        exporting.check(parts, "TensorRT")

    def facts(self, parts: Parts) -> dict[str, str]:
        found = identity.machine(parts.network.device)
        for package in (CONVERTER, "tensorrt"):
            found[package] = identity.version(package) or "unknown"
        return {**found, "workspace": str(parts.policy.workspace_bytes)}

    def build(self, parts: Parts) -> bytes:
        import torch_tensorrt

        data: bytes = torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine(
            exporting.exported(parts),
            arg_inputs=[self._range(parts, i, torch_tensorrt) for i in range(len(parts.examples))],
            use_explicit_typing=True,  # in the network's own precision, as it was checked
            disable_tf32=True,
            workspace_size=parts.policy.workspace_bytes,
            device=parts.network.device,
        )
        return bytes(data)

    def load(self, parts: Parts, data: bytes) -> Engine:
        import tensorrt

        runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
        engine = runtime.deserialize_cuda_engine(data)
        if engine is None:
            raise CannotRun("TensorRT refuses the engine")
        return Context(engine, tensorrt, parts.network.device)

    def _range(self, parts: Parts, i: int, library: Any) -> Any:
        shapes = parts.shapes
        return library.Input(
            min_shape=shapes.shape(i, shapes.smallest),
            opt_shape=shapes.shape(i, shapes.example),
            max_shape=shapes.shape(i, shapes.largest),
            dtype=parts.examples[i].dtype,
        )


class Context:
    """A loaded engine; an execution context belongs to one call, so each call makes its own."""

    def __init__(self, engine: Any, library: Any, device: torch.device) -> None:
        self._engine = engine
        self._library = library
        self._device = device
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        modes = {name: engine.get_tensor_mode(name) for name in names}
        self._inputs = [name for name in names if modes[name] == library.TensorIOMode.INPUT]
        self._outputs = [name for name in names if modes[name] == library.TensorIOMode.OUTPUT]

    def __call__(self, inputs: Tensors) -> Tensors:
        import torch

        context = self._engine.create_execution_context()
        held = [item.contiguous() for item in inputs]
        for name, item in zip(self._inputs, held, strict=True):
            context.set_input_shape(name, tuple(item.shape))
            context.set_tensor_address(name, item.data_ptr())
        found = []
        for name in self._outputs:
            shape = tuple(context.get_tensor_shape(name))
            output = torch.empty(shape, dtype=self._kind(name), device=self._device)
            context.set_tensor_address(name, output.data_ptr())
            found.append(output)
        stream = torch.cuda.current_stream(self._device)
        if not context.execute_async_v3(stream.cuda_stream):
            raise CannotRun("TensorRT could not run its engine")
        stream.synchronize()  # what the context holds must outlive its work
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
