"""The plan that exports a network once and runs it in ONNX Runtime."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.acceleration import exporting, identity
from realtime.acceleration.built import Engine
from realtime.acceleration.forms import CannotRun
from realtime.acceleration.parts import Parts
from realtime.acceleration.shapes import Tensors

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


class OnnxRuntime:
    """Engines are ONNX files; they hold the weights too."""

    plan = "onnx"

    def check(self, parts: Parts) -> None:
        exporting.check(parts, "ONNX Runtime")
        for package in ("onnxruntime", "onnxscript"):
            if identity.version(package) is None and not _is_gpu_build(package):
                raise CannotRun(f"{package} is not installed")
        if parts.network.device.type == "cuda":
            import onnxruntime

            if CUDA not in onnxruntime.get_available_providers():
                raise CannotRun("this onnxruntime was built without CUDA")
        elif not parts.network.is_exact:
            raise CannotRun("ONNX Runtime has no quick kernels of 16 bits for CPUs")
        if parts.network.precision == "bf16":
            raise CannotRun("ONNX Runtime has too few operations in bf16")

    def facts(self, parts: Parts) -> dict[str, str]:
        packages = ("torch", "onnxscript", "onnxruntime", "onnxruntime-gpu")
        return {name: found for name in packages if (found := identity.version(name)) is not None}

    def build(self, parts: Parts) -> bytes:
        import torch

        with _silent_exporter(), exporting.quiet():
            program = torch.onnx.export(
                exporting.exported(parts), dynamo=True, verbose=False, optimize=True
            )
        if program is None:
            raise CannotRun("the exporter gave nothing")
        data: bytes = program.model_proto.SerializeToString()
        return data

    def load(self, parts: Parts, data: bytes) -> Engine:
        import onnxruntime

        cuda = parts.network.device.type == "cuda"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        providers: list[Any] = [CPU]
        if cuda:
            # TF32 is on by default there as well.
            chosen = {"device_id": parts.network.device.index or 0, "use_tf32": 0}
            providers.insert(0, (CUDA, chosen))
        session = onnxruntime.InferenceSession(data, options, providers=providers)
        return Session(session, cuda)


class Session:
    """A loaded graph that takes and gives torch's tensors; several threads may call it."""

    def __init__(self, session: Any, cuda: bool) -> None:
        self._session = session
        self._cuda = cuda
        self._inputs = [item.name for item in session.get_inputs()]
        self._outputs = [item.name for item in session.get_outputs()]

    def __call__(self, inputs: Tensors) -> Tensors:
        import torch

        if self._cuda:
            return self._on_cuda(inputs)
        fed = {
            name: item.contiguous().numpy() for name, item in zip(self._inputs, inputs, strict=True)
        }
        found = self._session.run(self._outputs, fed)
        return tuple(torch.from_numpy(item) for item in found)

    def _on_cuda(self, inputs: Tensors) -> Tensors:
        import numpy as np
        import torch

        binding = self._session.io_binding()
        held = [item.contiguous() for item in inputs]
        torch.cuda.current_stream(held[0].device).synchronize()  # ONNX Runtime has its own stream
        for name, item in zip(self._inputs, held, strict=True):
            kind = np.dtype(str(item.dtype).removeprefix("torch."))
            index = item.device.index or 0
            binding.bind_input(name, "cuda", index, kind, tuple(item.shape), item.data_ptr())
        for name in self._outputs:
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        found = binding.copy_outputs_to_cpu()
        return tuple(torch.from_numpy(item).to(held[0].device) for item in found)


def _is_gpu_build(package: str) -> bool:
    return package == "onnxruntime" and identity.version("onnxruntime-gpu") is not None


@contextmanager
def _silent_exporter() -> Iterator[None]:
    """Without the exporter's own lines about each of its passes."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
