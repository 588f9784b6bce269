"""Compilations that are asked for at once come one after the other."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest

from realtime.acceleration.backends import compile_thread
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.inductor import Compiled
from realtime.acceleration.refusals import NotNow
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from tests.support.small_networks import compiled_graphs, mel, network_spec

pytestmark = pytest.mark.timeout(400)  # the first compilation of a process is slow

THREADS = 3
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_networks_are_compiled_in_threads_without_harm() -> None:
    """Threads of their own would end the process, one after the other or at once."""
    specs = [network_spec() for _ in range(THREADS)]
    backends = [Compiled(each.network) for each in specs]
    before = compiled_graphs()
    start = threading.Barrier(THREADS)

    def compile_one(backend: Backend) -> None:
        start.wait(30)
        backend.prepare((1, 10), (mel(),))

    threads = [threading.Thread(target=compile_one, args=(backend,)) for backend in backends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert compiled_graphs() == before + THREADS
    for each, backend in zip(specs, backends, strict=True):
        assert_equal(each, backend, (1, 10), (mel(seed=9),))
    # Calls compile nothing, whatever comes.
    for sizes in ((1, 10), (1, 20)):
        with pytest.raises(NotNow):
            backends[0].run(sizes, (mel(20),))
    assert compiled_graphs() == before + THREADS


ALONE = """
import threading, torch
from realtime.acceleration.backends.compile_thread import start_compile_thread
start_compile_thread()
def compile_one(size):
    module = torch.nn.Linear(size, size)
    with torch.no_grad():
        torch.compile(module, backend="eager", dynamic=False)(torch.zeros(1, size))
for together in (1, 1, 3):
    threads = [threading.Thread(target=compile_one, args=(2 + n,)) for n in range(together)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_work_keeps_its_callers_context() -> None:
    name = ContextVar("name", default="")
    name.set("mine")
    assert compile_thread.run_on_compile_thread(name.get) == "mine"


@pytest.mark.slow
def test_once_settled_other_threads_may_trace_too() -> None:
    """Networks that compile by themselves do it on whatever thread they are called."""
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]


def assert_equal(spec: NetworkSpec, backend: Backend, sizes: Sizes, inputs: Tensors) -> None:
    found, wanted = backend.run(sizes, inputs)[0], spec.network.run(inputs)[0]
    assert (found - wanted).abs().max().item() < 1e-5


@pytest.mark.slow
def test_what_was_compiled_is_kept_in_the_folder_of_acceleration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor.runtime.cache_dir_utils import cache_dir, default_cache_dir

    monkeypatch.setattr(compile_thread, "_chosen", set())
    monkeypatch.setenv(compile_thread.VARIABLE, default_cache_dir())
    kept = compile_thread.set_kernel_folder(tmp_path, 100)
    assert kept == tmp_path / "inductor" and cache_dir() == str(kept)
    (kept / "kernel").write_bytes(bytes(101))
    assert compile_thread.set_kernel_folder(tmp_path / "other", 100) == kept, (
        "one folder for the process"
    )
    assert compile_thread.set_kernel_folder(tmp_path, 100) == kept and kept.is_dir(), "it is in use"


def test_a_folder_that_has_grown_too_large_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    monkeypatch.setattr(compile_thread, "_chosen", set())
    monkeypatch.setenv(compile_thread.VARIABLE, default_cache_dir())
    for size, left in ((100, True), (101, False)):
        compile_thread._chosen.clear()
        (tmp_path / "inductor").mkdir(exist_ok=True)
        (tmp_path / "inductor" / "kernel").write_bytes(bytes(size))
        compile_thread.set_kernel_folder(tmp_path, 100)
        assert (tmp_path / "inductor" / "kernel").exists() is left


def test_a_folder_that_the_user_chose_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_thread, "_chosen", set())
    monkeypatch.setenv(compile_thread.VARIABLE, str(tmp_path / "mine"))
    assert compile_thread.set_kernel_folder(tmp_path, 100) == tmp_path / "mine"
