"""Engines load once for all, stay while leased, and fail alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.engine_settings import RevoiceSettings
from realtime.engines.registry import create
from realtime.engines.tone import Tone
from realtime.errors import Busy, Unavailable, WeightsMissing
from realtime.models.lanes import guard_of
from realtime.models.loaded import LoadedModels
from realtime.models.loading import TRY_AGAIN_SECONDS
from realtime.settings import ModelsSettings, Settings

pytestmark = pytest.mark.anyio


class GatedLoad(Tone):
    """An engine that loads when its gate opens, and fails as often as a test says."""

    may_use_cuda = False

    def __init__(self, name: str, failures: list[Exception]) -> None:
        self.name = name
        self.loads: list[int] = []
        self.unloads: list[int] = []
        self.gate = threading.Event()
        self.failures = failures

    def load(self) -> None:
        self.loads.append(threading.get_ident())
        assert self.gate.wait(10)
        if self.failures:
            raise self.failures.pop(0)

    def unload(self) -> None:
        self.unloads.append(threading.get_ident())


class TwoEngines:
    """Two engines, a clock and the models that hold them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.engines = {name: GatedLoad(name, []) for name in ("first", "second")}
        settings = Settings(models=ModelsSettings(retry_seconds=0.0))
        create: Any = lambda name, _: self.engines[name]  # noqa: E731
        self.models = LoadedModels(settings, create, tuple(self.engines), lambda: self.now)

    def state(self, name: str) -> str:
        return next(state.state for state in self.models.states() if state.name == name)


@pytest.fixture
async def two() -> AsyncIterator[TwoEngines]:
    two = TwoEngines()
    yield two
    for engine in two.engines.values():
        engine.gate.set()
    await two.models.close()


async def use(models: LoadedModels, name: str) -> int:
    async with models.synthesizer(name).lease() as lease:
        return await lease.lane.call(threading.get_ident)


async def test_concurrent_callers_share_one_load(two: TwoEngines) -> None:
    callers = [asyncio.create_task(use(two.models, "first")) for _ in range(5)]
    await asyncio.sleep(0)
    assert two.state("first") == "loading"
    two.engines["first"].gate.set()
    threads = set(await asyncio.gather(*callers))
    assert threads == set(two.engines["first"].loads), "used on the thread that loaded it"
    assert len(two.engines["first"].loads) == 1


async def test_a_load_does_not_hold_up_other_engines(two: TwoEngines) -> None:
    waiting = asyncio.create_task(use(two.models, "first"))
    two.engines["second"].gate.set()
    await use(two.models, "second")
    assert not waiting.done()
    two.engines["first"].gate.set()
    await waiting


async def test_a_caller_who_leaves_does_not_stop_the_load(two: TwoEngines) -> None:
    leaving = asyncio.create_task(use(two.models, "first"))
    staying = asyncio.create_task(use(two.models, "first"))
    await asyncio.sleep(0)
    leaving.cancel()
    two.engines["first"].gate.set()
    await staying
    assert len(two.engines["first"].loads) == 1


async def test_what_is_leased_stays(two: TwoEngines) -> None:
    two.engines["first"].gate.set()
    async with two.models.synthesizer("first").lease():
        with pytest.raises(Busy, match="in use"):
            await two.models.unload("first")
    await two.models.unload("first")
    assert two.state("first") == "unloaded"
    assert len(two.engines["first"].unloads) == 1
    await use(two.models, "first")
    assert len(two.engines["first"].loads) == 2


async def test_a_failed_load_is_tried_once_more(two: TwoEngines) -> None:
    engine = two.engines["first"]
    engine.failures.append(RuntimeError("flaky"))
    engine.gate.set()
    await use(two.models, "first")
    assert len(engine.loads) == 2


async def test_after_two_failures_it_is_unavailable_with_its_reason(two: TwoEngines) -> None:
    engine = two.engines["first"]
    engine.failures.extend([RuntimeError("flaky"), RuntimeError("gone")])
    engine.gate.set()
    for _ in range(2):
        with pytest.raises(Unavailable, match="gone") as refused:
            await use(two.models, "first")
        assert refused.value.retry_after
    assert len(engine.loads) == 2, "remembered, not tried at every request"
    assert two.state("first") == "failed"
    two.engines["second"].gate.set()
    await use(two.models, "second")
    two.now = TRY_AGAIN_SECONDS + 1
    await use(two.models, "first")


@pytest.mark.parametrize(
    "error", [WeightsMissing("no file"), Unavailable("another file", code="bad_weights")]
)
async def test_what_lacks_its_files_is_not_tried_twice(two: TwoEngines, error: Unavailable) -> None:
    engine = two.engines["first"]
    engine.failures.append(error)
    engine.gate.set()
    with pytest.raises(Unavailable, match=error.message) as told:
        await use(two.models, "first")
    assert len(engine.loads) == 1
    assert (told.value.code, told.value.retry_after) == (error.code, None)


def test_only_engines_that_may_use_cuda_keep_out_of_captures(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(path=tmp_path))
    for name in ("kokoro", "hibari", "tone", "gain", "world", "silero", "revoice"):
        assert guard_of(create(name, settings)) is nullcontext, name
    for name in ("valle", "torchscript"):
        assert guard_of(create(name, settings)) == DEVICE_LOCK.working, name
    on_gpu = Settings(revoice=RevoiceSettings(device="cuda"))
    assert guard_of(create("revoice", on_gpu)) == DEVICE_LOCK.working


async def test_an_engine_on_the_processor_goes_on_during_a_capture(two: TwoEngines) -> None:
    two.engines["first"].gate.set()
    async with two.models.synthesizer("first").lease() as lease:
        with DEVICE_LOCK.alone(1.0):
            assert await asyncio.wait_for(lease.lane.call(lambda: 7), 5) == 7


async def test_an_engine_on_cuda_waits_for_the_end_of_a_capture(two: TwoEngines) -> None:
    engine = two.engines["first"]
    engine.may_use_cuda = True
    engine.gate.set()
    async with two.models.synthesizer("first").lease() as lease:
        with DEVICE_LOCK.alone(1.0):
            waiting = asyncio.create_task(lease.lane.call(lambda: 7))
            await asyncio.wait((waiting,), timeout=0.05)
            assert not waiting.done()
        assert await asyncio.wait_for(waiting, 5) == 7


async def test_a_load_that_fails_leaves_nothing_in_memory(two: TwoEngines) -> None:
    engine = two.engines["first"]
    engine.failures.extend([RuntimeError("half"), RuntimeError("half again")])
    engine.gate.set()
    with pytest.raises(Unavailable, match="half again"):
        await use(two.models, "first")
    assert len(engine.unloads) == 2, "after each attempt"
    names = [event.event for event in reversed(two.models.events.last())]
    assert names == ["miss", "started", "failed"]


async def test_unloading_waits_for_a_load_that_is_under_way(two: TwoEngines) -> None:
    loading = asyncio.create_task(two.models.load("first"))
    await asyncio.sleep(0)
    unloading = asyncio.create_task(two.models.unload("first"))
    await asyncio.sleep(0.02)
    assert not unloading.done()
    two.engines["first"].gate.set()
    await asyncio.gather(loading, unloading)
    assert two.state("first") == "unloaded"


async def test_a_lease_that_races_an_unload_gets_a_loaded_engine(two: TwoEngines) -> None:
    two.engines["first"].gate.set()
    await two.models.load("first")
    await asyncio.gather(two.models.unload("first"), use(two.models, "first"))
    assert two.state("first") == "loaded" and len(two.engines["first"].loads) == 2


async def test_by_force_users_may_end_first(two: TwoEngines) -> None:
    two.engines["first"].gate.set()
    async with two.models.synthesizer("first").lease() as lease:
        unloading = asyncio.create_task(two.models.unload("first", force=True))
        await asyncio.sleep(0.02)
        assert two.state("first") == "unloading" and not unloading.done()
        assert await lease.lane.call(lambda: "still") == "still"
        waiting = asyncio.create_task(use(two.models, "first"))
        await asyncio.sleep(0.02)
        assert not waiting.done(), "who comes now waits, and gets it loaded anew"
    await unloading
    await waiting
    assert len(two.engines["first"].loads) == 2


async def test_all_are_unloaded_but_those_in_use(two: TwoEngines) -> None:
    for engine in two.engines.values():
        engine.gate.set()
    await two.models.load("second")
    async with two.models.synthesizer("first").lease():
        outcomes = await two.models.unload_all()
    assert outcomes["second"] is None and isinstance(outcomes["first"], Busy)
