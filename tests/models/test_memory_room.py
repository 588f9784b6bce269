"""A load makes room first; leased models stay; two loads never take the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from realtime.errors import NoRoom
from realtime.models import memory_room
from tests.support.polling import until
from tests.support.sized_engines import SizedModels

pytestmark = pytest.mark.anyio
SIZES = {"a": 4, "b": 4, "c": 4, "huge": 12, "none": 0}


@pytest.fixture
async def sized(tmp_path: Path) -> AsyncIterator[SizedModels]:
    sized = SizedModels(tmp_path, SIZES)
    yield sized
    await sized.models.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_room, "WAIT_SECONDS", 0.05)


async def test_the_model_that_was_unused_for_longest_goes(sized: SizedModels) -> None:
    for name in ("a", "b"):
        sized.now += 1
        await sized.models.load(name)
    sized.now += 1
    async with sized.models.synthesizer("a").lease():
        pass
    await sized.models.load("c")
    assert sized.loaded() == ["a", "c"]
    (event,) = [e for e in sized.models.events.last() if e.event == "unloaded"]
    assert (event.id, event.device, event.reason) == ("b", "cuda:0", "room for c")
    assert sized.devices.most["cuda:0"] == 8, "room was made before it was taken"


async def test_of_equals_the_quickest_to_load_goes(sized: SizedModels) -> None:
    await sized.models.load("a")
    await sized.models.load("b")
    sized.models.model("a").load_seconds, sized.models.model("b").load_seconds = 5.0, 1.0
    await sized.models.load("c")
    assert sized.loaded() == ["a", "c"]


async def test_what_is_leased_stays_and_the_refusal_names_it(
    sized: SizedModels, impatient: None
) -> None:
    async with sized.models.synthesizer("a").lease(), sized.models.synthesizer("b").lease():
        with pytest.raises(NoRoom, match=r"'c' on cuda:0: .* 4,295 MB") as refused:
            await sized.models.load("c")
        assert "a (1 users), b (1 users)" in refused.value.message
        assert refused.value.code == "no_room" and refused.value.retry_after
        assert sized.loaded() == ["a", "b"]
    await sized.models.load("c")
    assert "c" in sized.loaded(), "it is not remembered: room may be there in a moment"


async def test_a_load_waits_for_a_lease_to_end(sized: SizedModels) -> None:
    async with sized.models.synthesizer("a").lease():
        async with sized.models.synthesizer("b").lease():
            loading = asyncio.create_task(sized.models.load("c"))
            await asyncio.sleep(0.05)
            assert not loading.done()
        await asyncio.wait_for(loading, 5)
    assert sized.loaded() == ["a", "c"]


async def test_what_can_never_fit_is_refused_at_once(sized: SizedModels) -> None:
    with pytest.raises(NoRoom, match="nothing of this server"):
        await asyncio.wait_for(sized.models.load("huge"), 5)
    assert sized.engines["huge"].loads == 0
    assert sized.models.states()[3].error_code == "no_room"


async def test_two_loads_race_for_the_last_memory(sized: SizedModels) -> None:
    sized.devices.others["cuda:0"] = 4
    for engine in sized.engines.values():
        engine.may_load.clear()
    loading = [asyncio.create_task(sized.models.load(name)) for name in ("a", "b")]
    await until(lambda: any(engine.loads for engine in sized.engines.values()))
    for engine in sized.engines.values():
        engine.may_load.set()
    await asyncio.gather(*loading)
    assert sized.devices.most["cuda:0"] == 8, "the second one made room first"
    assert len(sized.loaded()) == 1


async def test_memory_of_other_programs_counts(sized: SizedModels) -> None:
    sized.devices.others["cuda:0"] = 6
    with pytest.raises(NoRoom):
        await sized.models.load("a")
    sized.devices.others["cuda:0"] = 5
    await sized.models.load("a")


async def test_a_full_device_takes_what_needs_nothing(sized: SizedModels) -> None:
    sized.devices.others["cuda:0"] = 10
    await sized.models.load("none")
    assert sized.loaded() == ["none"]


async def test_the_processor_may_be_filled(tmp_path: Path) -> None:
    sized = SizedModels(tmp_path, {"big": 14, "bigger": 15}, on="cpu")
    await sized.models.load("big")
    with pytest.raises(NoRoom):
        await sized.models.load("bigger")
    await sized.models.close()
