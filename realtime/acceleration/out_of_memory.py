"""The recognition of errors that say that memory was not enough."""

from __future__ import annotations

# A CPU's allocator and GPU drivers raise a plain RuntimeError with one of these.
WORDS = ("can't allocate memory", "out of memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or the one that caused it, says that memory was not enough."""
    import torch

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError | torch.OutOfMemoryError):
            return True
        if isinstance(seen, RuntimeError) and any(word in str(seen) for word in WORDS):
            return True
        seen = seen.__cause__
    return False
