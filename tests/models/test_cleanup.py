"""Idle models go, unused ones go where memory runs out, and nobody who uses one notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from realtime.models.cleanup import RESTING_SECONDS, Cleanup
from realtime.models.memory_monitor import MemoryMonitor
from tests.support.polling import until
from tests.support.sized_engines import SizedModels

pytestmark = pytest.mark.anyio


class Cleaned:
    """Models with a clean-up that looks when a test says so."""

    def __init__(self, folder: Path) -> None:
        self.sized = SizedModels(folder, {"a": 4, "b": 4, "kept": 1})
        self.models = self.sized.models
        monitor = MemoryMonitor(self.sized.devices.read)
        gpu, clock = self.sized.settings.gpu, lambda: self.sized.now
        self.cleanup = Cleanup(gpu, ("kept",), self.models, monitor, clock)

    def unloads_in(self, id: str) -> float | None:
        return self.cleanup.unloads_in(self.models.model(id))


@pytest.fixture
async def cleaned(tmp_path: Path) -> AsyncIterator[Cleaned]:
    cleaned = Cleaned(tmp_path)
    yield cleaned
    await cleaned.models.close()


async def test_an_idle_model_is_unloaded(cleaned: Cleaned) -> None:
    for name in ("a", "kept"):
        await cleaned.models.load(name)
    cleaned.sized.now = 59.0
    await cleaned.cleanup.look()
    assert cleaned.unloads_in("a") == 1.0
    assert cleaned.unloads_in("kept") is None and cleaned.unloads_in("b") is None
    assert cleaned.sized.loaded() == ["a", "kept"]
    cleaned.sized.now = 60.0
    await cleaned.cleanup.look()
    assert cleaned.sized.loaded() == ["kept"]
    newest = cleaned.models.events.last()[0]
    assert (newest.event, newest.id, newest.reason) == ("cleaned", "a", "idle")


async def test_a_model_in_use_is_not_idle(cleaned: Cleaned) -> None:
    async with cleaned.models.synthesizer("a").lease():
        cleaned.sized.now = 3_600.0
        assert cleaned.unloads_in("a") is None
        await cleaned.cleanup.look()
        assert cleaned.sized.loaded() == ["a"]
    assert cleaned.unloads_in("a") == 60.0, "it was used until now"


async def test_a_request_that_comes_meanwhile_gets_its_model(cleaned: Cleaned) -> None:
    await cleaned.models.load("a")
    cleaned.sized.now = 60.0

    async def use() -> str:
        async with cleaned.models.synthesizer("a").lease() as lease:
            return await lease.lane.call(lambda: "used")

    used, _ = await asyncio.gather(use(), cleaned.cleanup.look())
    assert used == "used"
    _, used = await asyncio.gather(cleaned.cleanup.look(), use())
    assert used == "used" and cleaned.sized.loaded() == ["a"]


async def test_where_memory_runs_out_unused_models_go_one_by_one(cleaned: Cleaned) -> None:
    for name in ("a", "b"):
        await cleaned.models.load(name)
        cleaned.sized.now += 1
    cleaned.sized.devices.others["cuda:0"] = 1
    cleaned.sized.now += RESTING_SECONDS - 3
    await cleaned.cleanup.look()
    assert cleaned.sized.loaded() == ["a", "b"], "used a moment ago"
    cleaned.sized.now += 1
    await cleaned.cleanup.look()
    assert cleaned.sized.loaded() == ["b"]
    assert cleaned.models.events.last()[0].reason == "90 % of cuda:0 in use"
    await cleaned.cleanup.look()
    assert cleaned.sized.loaded() == ["b"], "half is no pressure"


async def test_it_can_be_switched_off(cleaned: Cleaned) -> None:
    await cleaned.models.load("a")
    cleaned.cleanup.enabled = False
    cleaned.sized.now, cleaned.sized.devices.others["cuda:0"] = 3_600.0, 6
    await cleaned.cleanup.look()
    assert cleaned.sized.loaded() == ["a"] and cleaned.unloads_in("a") is None


async def test_optimising_unloads_all_that_nobody_uses(cleaned: Cleaned) -> None:
    await cleaned.models.load("a")
    async with cleaned.models.synthesizer("b").lease():
        found = await cleaned.cleanup.optimise()
    assert found.unloaded == ["a"] and found.took_ms > 0
    assert cleaned.sized.loaded() == ["b"]


async def test_a_look_that_fails_does_not_end_the_loop(
    cleaned: Cleaned, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise OSError("the driver is gone")

    monkeypatch.setattr(cleaned.cleanup, "look", look)
    monkeypatch.setattr(cleaned.cleanup, "_every", 0.001)
    running = asyncio.create_task(cleaned.cleanup.run())
    await until(lambda: looks == 3)
    running.cancel()
    assert "the clean-up of models failed" in caplog.text
