"""A task loads its models within its limit, keeps them, and lets them go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from realtime.errors import BadRequest, InUse, NotFound, SettingsError
from realtime.models import tasks as tasks_module
from realtime.models.cleanup import Cleanup
from realtime.models.loaded import LoadedModels
from realtime.models.memory_monitor import MemoryMonitor
from realtime.models.tasks import TaskProfile, Tasks
from realtime.settings import ModelsSettings, Settings
from tests.support.brought_models import BroughtModels, bring
from tests.support.polling import until
from tests.support.sized_engines import PlacedEngine, SizedModels

pytestmark = pytest.mark.anyio
SIZES = {"a": 2, "b": 2, "c": 6}


@pytest.fixture
async def sized(tmp_path: Path) -> AsyncIterator[SizedModels]:
    sized = SizedModels(tmp_path, SIZES)
    yield sized
    for engine in sized.engines.values():
        engine.may_load.set()
    await sized.models.close()


async def test_its_models_are_loaded_and_kept(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    tasks.put("night", TaskProfile(("a", "b"), memory_limit_mb=8_000))
    assert await tasks.preload("night") == {"a": "loaded", "b": "loaded"}
    assert tasks.pinned("night") == ["a", "b"] and sized.models.states()[0].task == "night"
    gpu, clock = sized.settings.gpu, lambda: sized.now
    cleanup = Cleanup(gpu, (), sized.models, MemoryMonitor(sized.devices.read), clock)
    sized.now = 3_600.0
    await cleanup.look()
    assert sized.loaded() == ["a", "b"] and cleanup.unloads_in(sized.models.model("a")) is None
    with pytest.raises(InUse, match="the task night"):
        await sized.models.unload("a")
    await sized.models.unload("a", force=True)
    assert sized.loaded() == ["b"] and tasks.pinned("night") == ["b"]


async def test_cleaning_up_unloads_what_nobody_uses(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    tasks.put("night", TaskProfile(("a", "b"), memory_limit_mb=8_000))
    tasks.put("soft", TaskProfile(("b",), cleanup=False, memory_limit_mb=8_000))
    for name in ("night", "soft"):
        await tasks.preload(name)
    async with sized.models.synthesizer("a").lease("a listener"):
        found = await tasks.clean_up("night")
    assert "used by a listener" in found["a"] and "the task soft" in found["b"]
    assert await tasks.clean_up("soft") == {"b": "kept"}
    assert await tasks.clean_up("night") == {"a": "unloaded", "b": "unloaded"}
    assert sized.loaded() == [] and await tasks.clean_up("night") == {
        "a": "unloaded",
        "b": "unloaded",
    }


async def test_what_does_not_fit_into_its_limit_is_not_loaded(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    tasks.put("small", TaskProfile(("a", "c", "b"), memory_limit_mb=5_000))
    found = await tasks.preload("small")
    assert (found["a"], found["b"]) == ("loaded", "loaded")
    assert "limit of 5000 MB" in found["c"]
    assert sized.loaded() == ["a", "b"]


async def test_a_model_on_another_device_is_not_loaded(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    tasks.put("cpu", TaskProfile(("a",), device="cpu"))
    assert await tasks.preload("cpu") == {"a": "The engine 'a' runs on cuda:0 only."}
    tasks.put("gpu", TaskProfile(("a",), device="cuda:0"))
    assert await tasks.preload("gpu") == {"a": "loaded"}


async def test_one_that_fails_stops_no_other_and_is_not_kept(
    sized: SizedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise BadRequest("The file is broken.")

    monkeypatch.setattr(sized.engines["a"], "load", fail)
    tasks = Tasks(sized.models)
    tasks.put("night", TaskProfile(("a", "b")))
    assert await tasks.preload("night") == {"a": "The file is broken.", "b": "loaded"}
    assert tasks.pinned("night") == ["b"]


async def test_the_highest_priority_goes_first(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    for name, model, priority in (("first", "a", 1), ("low", "b", 1), ("high", "c", 9)):
        tasks.put(name, TaskProfile((model,), priority=priority, memory_limit_mb=8_000))
    sized.engines["a"].may_load.clear()
    ended: list[str] = []

    async def preload(name: str) -> None:
        await tasks.preload(name)
        ended.append(name)

    running = [asyncio.create_task(preload("first"))]
    await until(lambda: sized.engines["a"].loads)
    running += [asyncio.create_task(preload(name)) for name in ("low", "high")]
    await asyncio.sleep(0.02)
    assert not sized.engines["b"].loads and not sized.engines["c"].loads
    sized.engines["a"].may_load.set()
    await asyncio.gather(*running)
    assert ended == ["first", "high", "low"]


async def test_a_preload_that_is_given_up_lets_the_next_one_go(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    tasks.put("one", TaskProfile(("a",)))
    tasks.put("two", TaskProfile(("b",)))
    sized.engines["a"].may_load.clear()
    first = asyncio.create_task(tasks.preload("one"))
    await until(lambda: sized.engines["a"].loads)
    waiting = asyncio.create_task(tasks.preload("two"))
    await asyncio.sleep(0)
    waiting.cancel()
    first.cancel()
    await asyncio.gather(first, waiting, return_exceptions=True)
    assert await asyncio.wait_for(tasks.preload("two"), 5) == {"b": "loaded"}


async def test_tasks_are_forgotten_and_named(sized: SizedModels) -> None:
    tasks = Tasks(sized.models)
    tasks.put("night", TaskProfile(("a",)))
    await tasks.preload("night")
    tasks.remove("night")
    assert sized.models.model("a").is_free and "night" not in tasks.all()
    with pytest.raises(NotFound, match="no task 'night'"):
        tasks.get("night")
    with pytest.raises(BadRequest, match="no model 'bell'"):
        tasks.put("night", TaskProfile(("bell",)))
    with pytest.raises(BadRequest, match="cannot be the name"):
        tasks.put("a b", TaskProfile(()))


async def test_there_is_a_most(sized: SizedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "MOST_TASKS", 1)
    tasks = Tasks(sized.models)
    tasks.put("one", TaskProfile(()))
    tasks.put("one", TaskProfile(("a",)))
    with pytest.raises(BadRequest, match="1 tasks already") as refused:
        tasks.put("two", TaskProfile(()))
    assert refused.value.code == "too_many_tasks"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a", "Expected `object`"),
        ({}, "missing required field `models`"),
        ({"models": "a"}, "Expected `array`"),
        ({"models": ["a"], "priority": -1}, ">= 0"),
        ({"models": ["a"], "memory_limit_mb": 0}, ">= 1"),
        ({"models": ["a"], "pin": True}, "no 'pin'; there are: models, device"),
        ({"models": ["bell"]}, "no model 'bell'"),
    ],
)
async def test_settings_are_checked(sized: SizedModels, content: Any, fault: str) -> None:
    with pytest.raises(SettingsError, match="tasks.night: ") as refused:
        Tasks(sized.models, {"night": content})
    assert fault in refused.value.message


async def test_settings_make_tasks(sized: SizedModels) -> None:
    content = {"models": ["a"], "device": "cpu", "priority": 3, "cleanup": False}
    tasks = Tasks(sized.models, {"night": content})
    assert tasks.all() == {"night": TaskProfile(("a",), "cpu", 3, 4_096, False)}


async def test_models_go_to_the_device_of_the_task_or_of_their_id(tmp_path: Path) -> None:
    sized = SizedModels(tmp_path, SIZES, "auto", PlacedEngine, gpus=2)
    tasks = Tasks(sized.models)
    profile = TaskProfile(("a", "b@cuda:1"), device="cpu", memory_limit_mb=8_000)
    tasks.put("night", profile)
    assert await tasks.preload("night") == {"a": "loaded", "b@cuda:1": "loaded"}
    assert {each.id: each.device for each in sized.models} == {
        **{"a": "cpu", "b": "cuda:1", "c": "cpu"},
    }
    assert tasks.pinned("night") == ["a", "b"]
    tasks.put("other", TaskProfile(("a",), device="cuda:0"))
    assert "the task night" in (await tasks.preload("other"))["a"]
    assert await tasks.clean_up("night") == {"a": "unloaded", "b@cuda:1": "unloaded"}
    assert await tasks.preload("other") == {"a": "loaded"}
    assert sized.models.model("a").device == "cuda:0"
    await sized.models.close()


async def test_a_device_must_be_one(sized: SizedModels) -> None:
    with pytest.raises(BadRequest, match="allowed is auto, cpu, cuda or cuda:0") as refused:
        Tasks(sized.models).put("night", TaskProfile(("a",), device="tpu"))
    assert refused.value.code == "unknown_device"


async def test_a_model_that_is_brought_later_is_told_by_the_preload(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(path=tmp_path))
    models = LoadedModels(settings, lambda name, _: BroughtModels(tmp_path), ("brought",))
    tasks = Tasks(models, {"night": {"models": ["brought:nana"]}})
    for name in ("aoi", "yuki"):
        bring(tmp_path, name)
    found = await tasks.preload("night")
    assert "no model 'nana'; there are: aoi, yuki" in found["brought:nana"]
    bring(tmp_path, "nana")
    assert await tasks.preload("night") == {"brought:nana": "loaded"}
    assert await tasks.clean_up("night") == {"brought:nana": "unloaded"}
    await models.close()
