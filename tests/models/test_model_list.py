"""Models of one engine are many: each has its id, its state and its lane, and comes and goes."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from realtime.engines.tone import Tone
from realtime.errors import BadRequest, Unavailable
from realtime.models.loaded import LoadedModels
from realtime.models.memory_estimate import FILE, WIDE_FACTOR
from realtime.settings import ModelsSettings, Settings
from tests.support.brought_models import BroughtModels, bring

pytestmark = pytest.mark.anyio


@dataclass
class Brought:
    """A folder of models, and a server's models that come of it."""

    folder: Path
    models: LoadedModels

    def engine(self, id: str) -> BroughtModels:
        return cast("BroughtModels", self.models.engine(id))


@pytest.fixture
async def brought(tmp_path: Path) -> AsyncIterator[Brought]:
    for model in ("nana", "yuki"):
        bring(tmp_path, model)
    settings = Settings(models=ModelsSettings(path=tmp_path, retry_seconds=0.0))

    def create(name: str, _: Settings) -> Any:
        return Tone(settings) if name == "tone" else BroughtModels(tmp_path)

    models = LoadedModels(settings, create, ("tone", "brought"))
    yield Brought(tmp_path, models)
    await models.close()


async def thread_of(models: LoadedModels, id: str) -> int:
    async with models.synthesizer(id).lease() as lease:
        return await lease.lane.call(threading.get_ident)


async def test_each_has_an_id_a_name_and_its_engine(brought: Brought) -> None:
    states = [(each.id, each.name, each.engine) for each in brought.models.states()]
    assert states == [
        ("tone", "tone", "tone"),
        ("brought:nana", "nana", "brought"),
        ("brought:yuki", "yuki", "brought"),
    ]
    assert brought.models.names() == ["tone", "brought", "brought:nana", "brought:yuki"]


async def test_each_is_loaded_alone_on_a_lane_of_its_own(brought: Brought) -> None:
    nana, yuki = [await thread_of(brought.models, f"brought:{name}") for name in ("nana", "yuki")]
    assert nana != yuki
    await brought.models.unload("brought:nana")
    states = {each.id: each.state for each in brought.models.states()}
    assert states == {"tone": "unloaded", "brought:nana": "unloaded", "brought:yuki": "loaded"}


async def test_one_that_loads_holds_up_no_other_and_is_loaded_once(brought: Brought) -> None:
    nana = brought.engine("brought:nana")
    nana.gate.clear()
    waiting = [asyncio.create_task(thread_of(brought.models, "brought:nana")) for _ in range(2)]
    await thread_of(brought.models, "brought:yuki")
    assert not any(task.done() for task in waiting)
    nana.gate.set()
    first, second = await asyncio.gather(*waiting)
    assert first == second and nana.loads == 1


async def test_a_broken_neighbour_spoils_no_other(brought: Brought) -> None:
    (brought.folder / "brought" / "nana" / "broken").touch()
    with pytest.raises(Unavailable, match="a broken file"):
        await brought.models.load("brought:nana")
    await brought.models.load("brought:yuki")
    states = {each.id: each.state for each in brought.models.states()}
    assert states["brought:nana"] == "failed" and states["brought:yuki"] == "loaded"


async def test_the_engine_alone_means_its_only_model(brought: Brought) -> None:
    with pytest.raises(BadRequest, match=r"must be named; there are: nana, yuki\.") as refused:
        await brought.models.load("brought")
    assert (refused.value.code, refused.value.field) == ("unknown_model", "model")
    shutil.rmtree(brought.folder / "brought" / "yuki")
    await brought.models.load("brought")
    assert brought.models.model("brought") is brought.models.model("brought:nana")
    assert brought.models.is_loaded("brought:nana")


async def test_one_that_is_not_there_is_told(brought: Brought) -> None:
    for id, told in (("brought:bell", "nana, yuki"), ("tone:bell", "there are: tone")):
        with pytest.raises(BadRequest, match=told) as refused:
            await brought.models.load(id)
        assert refused.value.code == "unknown_model"
        assert not brought.models.is_loaded(id)


async def test_models_come_while_the_server_runs(brought: Brought) -> None:
    bring(brought.folder, "aoi")
    assert "brought:aoi" not in brought.models.ids()
    await brought.models.load("brought:aoi")
    assert brought.models.ids() == ["tone", "brought:aoi", "brought:nana", "brought:yuki"]


async def test_one_whose_files_are_gone_leaves_when_it_is_unloaded(brought: Brought) -> None:
    for name in ("nana", "yuki"):
        await brought.models.load(f"brought:{name}")
    shutil.rmtree(brought.folder / "brought")
    await brought.models.look()
    assert len(brought.models.ids()) == 3, "they are loaded"
    lane = brought.models.model("brought:nana").lane
    await brought.models.unload("brought:nana")
    await brought.models.look()
    assert brought.models.ids() == ["tone", "brought:yuki"]
    assert lane is not None and not lane._thread.is_alive()


async def test_an_engine_without_models_stands_for_them(brought: Brought) -> None:
    shutil.rmtree(brought.folder / "brought")
    await brought.models.look(kind="convert")
    assert len(brought.models.ids()) == 3, "it speaks"
    await brought.models.look(kind="speak")
    assert brought.models.ids() == ["tone", "brought"]
    assert brought.models.model("brought:nana").id == "brought", "it says what is missing"


async def test_one_that_is_used_stays_the_same_model(brought: Brought) -> None:
    async with brought.models.synthesizer("brought:nana").lease():
        shutil.rmtree(brought.folder / "brought" / "nana")
        await asyncio.gather(*(brought.models.look() for _ in range(5)))
        async with brought.models.synthesizer("brought:nana").lease() as lease:
            assert lease.engine is brought.engine("brought:nana")
    assert brought.engine("brought:nana").loads == 1


async def test_what_each_takes_is_remembered_by_its_id(brought: Brought) -> None:
    estimates, nana = brought.models.estimates, brought.engine("brought:nana")
    assert estimates.estimate(nana) == 1_000 * WIDE_FACTOR
    estimates.record(nana, 5_000)
    assert estimates.estimate(nana) == 5_000
    assert estimates.estimate(brought.engine("brought:yuki")) == 1_000 * WIDE_FACTOR
    assert list(json.loads((brought.folder / FILE).read_bytes())) == ["brought:nana"]


async def test_its_events_and_its_refusals_have_its_id(brought: Brought) -> None:
    async with brought.models.synthesizer("brought:nana").lease("a listener"):
        with pytest.raises(Exception, match="'brought:nana' is in use"):
            await brought.models.unload("brought:nana")
    assert {event.id for event in brought.models.events.last()} == {"brought:nana"}
