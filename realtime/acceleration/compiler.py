"""The one thread of a process on which torch compiles and exports."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def traced(work: Callable[[], T]) -> T:
    """Do what traces a network, after all other such work, and wait for it.

    torch's tracing is no good for several threads: two at once spoil each other, and where there
    is no GPU it keeps a pointer into the first thread that ever traced, so when that thread has
    ended the next tracing ends the process. This thread lasts as long as the process.
    """
    return _thread().submit(work).result()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "tracing")
