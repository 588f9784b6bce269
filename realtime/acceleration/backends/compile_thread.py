"""The one thread on which torch compiles and exports, and the folder of what it compiled."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import TypeVar

from realtime.configuration import set_for_library

T = TypeVar("T")

KERNELS = "inductor"
VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
_choosing = threading.Lock()
_chosen: set[Path] = set()


def run_on_compile_thread(work: Callable[[], T]) -> T:
    """Run work that traces a network, after all other such work, and return what it gives."""
    return _thread().submit(copy_context().run, work).result()


@cache
def start_compile_thread() -> None:
    """Make tracing safe on every thread of this process, also where a network compiles by itself.

    On a machine without a GPU torch 2.11 keeps a pointer into the thread that traces first, and
    when that thread has ended the next tracing ends the process. So this thread, which lasts as
    long as the process, traces first.
    """
    run_on_compile_thread(_trace_nothing)


def _trace_nothing() -> None:
    from torch._subclasses import FakeTensorMode

    with FakeTensorMode():
        pass


def set_kernel_folder(folder: Path, most_bytes: int) -> Path:
    """Let inductor keep in this folder what it compiled, for the next start; return its folder.

    The first call of a process decides, and the user's environment before it. Inductor does not
    bound its folder: one that has grown too large is emptied here, before it is used.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    wanted = (folder / KERNELS).absolute()
    with _choosing:
        # Torch sets its own default as soon as its compiler is imported.
        chosen = Path(set_for_library(VARIABLE, str(wanted), instead_of=default_cache_dir()))
        if chosen == wanted and wanted not in _chosen:
            _chosen.add(wanted)
            files = [path for path in wanted.rglob("*") if path.is_file()]
            if sum(path.stat().st_size for path in files) > most_bytes:
                shutil.rmtree(wanted, ignore_errors=True)
    return chosen


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "tracing")
