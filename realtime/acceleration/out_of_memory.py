"""Whether an error says that memory was not enough; it knows no device and no plan."""

from __future__ import annotations

# What a CPU's allocator and drivers say, which raise no type of their own.
WORDS = ("can't allocate memory", "out of memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or what it came of, says that memory was not enough."""
    import torch

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError | torch.OutOfMemoryError):
            return True
        if isinstance(seen, RuntimeError) and any(word in str(seen) for word in WORDS):
            return True
        seen = seen.__cause__
    return False
