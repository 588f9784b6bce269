"""The health of CUDA in this process: after some errors no call on it can succeed any more.

The driver keeps such an error, and gives it as the answer to each later call until the process
ends. So there is one record for the process, as there is one driver.
"""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

# NVIDIA's documentation of cudaError says of these that "the process must be terminated".
WORDS = (
    "illegal memory access",
    "device-side assert",
    "unspecified launch failure",
    "illegal instruction",
    "misaligned address",
    "invalid program counter",
    "hardware stack error",
    "the launch timed out and was terminated",
)


class CudaHealth:
    """The first error after which CUDA answers this process no more."""

    def __init__(self) -> None:
        self.error: str | None = None

    def note(self, error: BaseException) -> None:
        """Remember an error, if it is such a one."""
        if self.error is None and is_fatal(error):
            self.error = _fatal_line(error)
            logger.critical("CUDA cannot be used any more until a restart: %s", self.error)


CUDA_HEALTH = CudaHealth()


def is_fatal(error: BaseException) -> bool:
    """Return whether an error, or the one that caused it, ends CUDA for this process."""
    return _fatal_line(error) is not None


def _fatal_line(error: BaseException) -> str | None:
    """Return the line of the message that tells of it: torch and compiled programs add many."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, RuntimeError) and "CUDA" in str(seen):
            for line in str(seen).splitlines():
                if any(word in line for word in WORDS):
                    return line.strip()[:200]
        seen = seen.__cause__
    return None
