"""The plan that exports a network once and runs it in ONNX Runtime."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.acceleration import machine
from realtime.acceleration.backends import export
from realtime.acceleration.backends.built import Engine
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Tensors
from realtime.acceleration.spec import NetworkSpec

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}
MOST_KNOWN = 4_096  # sets of input shapes whose output shapes are remembered


class OnnxRuntime:
    """The builder of ONNX files, which hold the weights too."""

    plan = "onnx"

    def check(self, spec: NetworkSpec) -> None:
        export.check(spec, "ONNX Runtime")
        for package in ("onnxruntime", "onnxscript"):
            if machine.package_version(package) is None and not _is_gpu_build(package):
                raise CannotRun(f"{package} is not installed")
        if spec.network.device.type == "cuda":
            import onnxruntime

            if CUDA not in onnxruntime.get_available_providers():
                raise CannotRun("this onnxruntime was built without CUDA")
        elif not spec.network.is_exact:
            raise CannotRun("ONNX Runtime has no quick kernels of 16 bits for CPUs")
        if spec.network.precision == "bf16":
            raise CannotRun("ONNX Runtime has too few operations in bf16")

    def facts(self, spec: NetworkSpec) -> dict[str, str]:
        packages = ("torch", "onnxscript", "onnxruntime", "onnxruntime-gpu")
        return {
            name: found for name in packages if (found := machine.package_version(name)) is not None
        }

    def build(self, spec: NetworkSpec) -> bytes:
        import torch

        with _silent_exporter(), export.without_warnings():
            program = torch.onnx.export(
                export.export_network(spec), dynamo=True, verbose=False, optimize=True
            )
        if program is None:
            raise CannotRun("the exporter gave nothing")
        data: bytes = program.model_proto.SerializeToString()
        return data

    def load(self, spec: NetworkSpec, data: bytes) -> Engine:
        import onnxruntime

        cuda = spec.network.device.type == "cuda"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        providers: list[Any] = [CPU]
        if cuda:
            # TF32 is on by default there as well; the default search tries every kernel for each
            # new length, while a caller waits.
            chosen = {
                "device_id": spec.network.device.index or 0,
                "use_tf32": 0,
                "cudnn_conv_algo_search": "HEURISTIC",
            }
            providers.insert(0, (CUDA, chosen))
        session = onnxruntime.InferenceSession(data, options, providers=providers)
        if cuda and session.get_providers()[0] != CUDA:
            # A library of CUDA that does not load is only a line in its log.
            raise CannotRun("ONNX Runtime could not load its part for CUDA here")
        return OnnxSession(session, cuda)


class OnnxSession:
    """A loaded graph that takes and gives torch's tensors; several threads may call it."""

    def __init__(self, session: Any, cuda: bool) -> None:
        self._session = session
        self._cuda = cuda
        self._inputs = [item.name for item in session.get_inputs()]
        self._outputs = [item.name for item in session.get_outputs()]
        self._dtypes = [DTYPES.get(item.type) for item in session.get_outputs()]
        self._shapes: dict[tuple[object, ...], list[tuple[int, ...]]] = {}

    def __call__(self, inputs: Tensors) -> Tensors:
        import torch

        if self._cuda:
            return self._run_on_cuda(inputs)
        fed = {
            name: item.contiguous().numpy() for name, item in zip(self._inputs, inputs, strict=True)
        }
        found = self._session.run(self._outputs, fed)
        return tuple(torch.from_numpy(item) for item in found)

    def _run_on_cuda(self, inputs: Tensors) -> Tensors:
        """Run on memory of torch at both ends, so that no tensor goes by way of the host."""
        import torch

        held = tuple(item.contiguous() for item in inputs)
        key = tuple(item.shape for item in held)
        shapes = self._shapes.get(key)
        if shapes is None:
            if len(self._shapes) >= MOST_KNOWN:
                self._shapes.clear()
            shapes = self._shapes[key] = self._learn_shapes(held)
        binding = self._bind_inputs(held)
        found = []
        for name, dtype, shape in zip(self._outputs, self._dtypes, shapes, strict=True):
            output = torch.empty(shape, dtype=getattr(torch, str(dtype)), device=held[0].device)
            index = output.device.index or 0
            binding.bind_output(name, "cuda", index, _numpy_dtype(dtype), shape, output.data_ptr())
            found.append(output)
        self._run(binding, held)
        return tuple(found)

    def _learn_shapes(self, held: Tensors) -> list[tuple[int, ...]]:
        """Find the outputs' shapes for such inputs, by a run that lets the runtime make them."""
        if None in self._dtypes:
            raise CannotRun("ONNX Runtime gives outputs of a type that is not known here")
        binding = self._bind_inputs(held)
        for name in self._outputs:
            binding.bind_output(name, "cuda", held[0].device.index or 0)
        self._run(binding, held)
        return [tuple(item.shape()) for item in binding.get_outputs()]

    def _bind_inputs(self, held: Tensors) -> Any:
        binding = self._session.io_binding()
        for name, item in zip(self._inputs, held, strict=True):
            dtype = _numpy_dtype(str(item.dtype).removeprefix("torch."))
            index = item.device.index or 0
            binding.bind_input(name, "cuda", index, dtype, tuple(item.shape), item.data_ptr())
        return binding

    def _run(self, binding: Any, held: Tensors) -> None:
        import torch

        # ONNX Runtime has a stream of its own: it begins after torch's work, and what follows
        # begins after it.
        torch.cuda.current_stream(held[0].device).synchronize()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()


def _numpy_dtype(name: str | None) -> Any:
    import numpy as np

    return np.dtype(name)


def _is_gpu_build(package: str) -> bool:
    return package == "onnxruntime" and machine.package_version("onnxruntime-gpu") is not None


@contextmanager
def _silent_exporter() -> Iterator[None]:
    """Silence the exporter, which logs each of its passes."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
