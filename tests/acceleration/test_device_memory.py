"""Errors of memory are known whatever they are called; bounds are checked before they are set."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from realtime.acceleration import Policy, device_memory
from realtime.errors import BadRequest
from tests.support.small_networks import accelerate_vocoder, mel
from tests.support.unreachable import unreachable_tensor


def wrapped(inner: Exception) -> Exception:
    try:
        raise RuntimeError("the compiler failed") from inner
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (wrapped(MemoryError()), True),
        (RuntimeError("an illegal memory access"), False),
        (wrapped(ValueError("out of memory")), False),
    ],
)
def test_running_out_is_recognised(error: Exception, out: bool) -> None:
    assert device_memory.is_out_of_memory(error) is out


@pytest.mark.parametrize("fraction", [-0.1, 0, 1.1, float("nan")])
def test_a_part_lies_between_nothing_and_all(fraction: float) -> None:
    with pytest.raises(BadRequest, match="between 0 and 1"):
        device_memory.limit(fraction, "cpu")


def test_a_cpu_has_nothing_to_limit_or_to_reserve() -> None:
    assert device_memory.limit(0.8, "cpu") is False
    assert device_memory.reserved_bytes(torch.device("cpu")) == 0


def test_clearing_frees_tensors_in_cycles() -> None:
    with unreachable_tensor() as held:
        assert held() is not None
        device_memory.clear(torch.device("cpu"))
        assert held() is None


def test_clearing_empties_the_cache_of_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[object] = []

    @contextmanager
    def on(device: torch.device) -> Iterator[None]:
        events.append(device)
        yield
        events.append("left")

    fake = SimpleNamespace(device=on, empty_cache=lambda: events.append("emptied"))
    monkeypatch.setattr(torch, "cuda", fake)
    monkeypatch.setattr(gc, "collect", lambda: events.append("collected"))
    device_memory.clear(torch.device("cuda", 1))
    assert events == ["collected", torch.device("cuda", 1), "emptied", "left"]


@pytest.mark.gpu
def test_a_gpu_gets_back_what_is_not_used() -> None:
    device, size = torch.device("cuda", 0), 64 << 20
    used = torch.zeros(size, dtype=torch.uint8, device=device)
    unused = torch.zeros(size, dtype=torch.uint8, device=device)
    del unused
    before = device_memory.reserved_bytes(device)
    device_memory.clear(device)
    assert device_memory.reserved_bytes(device) <= before - size
    assert not used.any()


@pytest.mark.parametrize(
    ("fraction", "device", "asked"),
    [(0.8, "cuda:1", (0.8, 1)), (1, "cuda", (1.0, 0)), (0.5, "cuda", (0.5, 0))],
)
def test_on_a_gpu_the_settings_reach_torch(
    fraction: float, device: str, asked: tuple[float, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch refuses a whole number as a part, and a device without a number."""
    told: list[tuple[Any, ...]] = []
    fake = SimpleNamespace(
        is_available=lambda: True,
        current_device=lambda: 0,
        set_per_process_memory_fraction=lambda *args: told.append(args),
    )
    monkeypatch.setattr(torch, "cuda", fake)
    assert device_memory.limit(fraction, device)
    assert told == [asked] and isinstance(told[0][0], float)


@pytest.mark.gpu
def test_a_gpu_without_a_number_has_a_limit() -> None:
    assert device_memory.limit(1, "cuda")


def test_what_lies_in_a_pool_of_recordings_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(
        memory_reserved=lambda device: 900,
        memory_allocated=lambda device: 300,
        mem_get_info=lambda device: (1_000, 5_000),
    )
    monkeypatch.setattr(torch, "cuda", fake)

    class Pool:
        def __init__(self, number: int, known: int) -> None:
            self.device = torch.device("cuda", number)
            self.known = known

    assert device_memory.free_bytes(torch.device("cuda", 0)) == 1_600
    pools = [Pool(0, 400), Pool(0, 50), Pool(1, 9_000)]
    for pool in pools:
        device_memory.count_as_taken(pool)
    assert device_memory.free_bytes(torch.device("cuda", 0)) == 1_150
    assert device_memory.free_bytes(torch.device("cuda", 1)) == 1_000, (
        "never less than the driver has"
    )
    del pool, pools
    gc.collect()
    assert device_memory.free_bytes(torch.device("cuda", 0)) == 1_600


class Run:
    """Runs out of memory with a large tensor in its hands."""

    def __init__(self) -> None:
        self.held: list[weakref.ref[torch.Tensor]] = []

    def __call__(self, inputs: int) -> int:
        if len(self.held) == inputs:
            return inputs
        activation = torch.zeros(1_000)
        self.held.append(weakref.ref(activation))
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_run_that_ran_out_holds_nothing_when_it_is_done_again() -> None:
    run = Run()
    assert device_memory.unless_out_of_memory(run, 1) is None
    assert run.held[0]() is None
    assert device_memory.unless_out_of_memory(run, 1) == 1
    with pytest.raises(TypeError):
        device_memory.unless_out_of_memory(len, 1)  # type: ignore[arg-type]


def test_an_error_can_be_made_to_let_go() -> None:
    run = Run()
    try:
        try:
            run(1)
        except torch.OutOfMemoryError as error:
            raise RuntimeError("the compiler failed") from error
    except RuntimeError as error:
        assert run.held[0]() is not None
        device_memory.release_frames(error)
        assert run.held[0]() is None


def test_clearing_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[torch.device] = []
    monkeypatch.setattr(device_memory, "clear", cleared.append)
    for wanted in (False, True):
        found = accelerate_vocoder("eager", policy=Policy(clear_memory=wanted))
        found(mel())
        found.close()
    assert cleared == [torch.device("cpu")]
