"""The one thread of a process on which torch compiles and exports."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def traced(work: Callable[[], T]) -> T:
    """Do what traces a network, after all other such work, and wait for it."""
    return _thread().submit(work).result()


@cache
def settle() -> None:
    """Make tracing safe on every thread of this process, also where a network compiles by itself.

    On a machine without a GPU torch keeps a pointer into the thread that traces first, and when
    that thread has ended the next tracing ends the process. So this thread, which lasts as long
    as the process, traces first.
    """
    traced(_nothing)


def _nothing() -> None:
    from torch._subclasses import FakeTensorMode

    with FakeTensorMode():
        pass


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "tracing")
