"""The recognition of errors that say that memory was not enough."""

from __future__ import annotations

import sys

# A CPU's allocator, GPU drivers and CUDA's libraries raise a plain RuntimeError with one of these.
WORDS = (
    "can't allocate memory",
    "out of memory",
    "bad_alloc",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or the one that caused it, says that memory was not enough."""
    # Not imported: where nothing has loaded torch, the error cannot be one of its own.
    torch = sys.modules.get("torch")
    of_torch = () if torch is None else (torch.OutOfMemoryError,)
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (MemoryError, *of_torch)):
            return True
        if isinstance(seen, RuntimeError) and any(word in str(seen) for word in WORDS):
            return True
        seen = seen.__cause__
    return False
