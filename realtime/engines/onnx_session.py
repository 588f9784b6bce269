"""Sessions of ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ERRORS_ONLY = 3  # of its levels of logging: its warnings are of no use to people


def open_session(model: bytes | Path, threads: int = 1) -> Any:
    """Open a network that is a file or its bytes; with 0 threads it uses every core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    given = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
