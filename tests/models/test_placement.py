"""A model goes to the best device, and where people say; it moves only while nobody uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from realtime.engines.placeable import device_in_settings
from realtime.errors import BadRequest, InUse, NoRoom, SettingsError
from realtime.models import memory_room
from realtime.models.loaded import LoadedModels
from realtime.models.placement import is_on, split_device
from realtime.settings import GpuSettings, ModelsSettings, Settings
from tests.support.fake_devices import GIB
from tests.support.polling import until
from tests.support.sized_engines import PlacedEngine, SizedModels

pytestmark = pytest.mark.anyio
SIZES = {"a": 4, "b": 4, "c": 4, "huge": 12}


class Placed(SizedModels):
    """Models that go to any of two GPUs, or to the processor."""

    def __init__(self, folder: Path, gpus: int = 2) -> None:
        super().__init__(folder, SIZES, "auto", PlacedEngine, gpus)

    def engine(self, name: str) -> PlacedEngine:
        return cast("PlacedEngine", self.engines[name])

    def places(self) -> dict[str, str]:
        return {each.id: each.device for each in self.models if each.state == "loaded"}

    async def load(self, name: str, device: str = "auto") -> None:
        """Load a model whose memory is measured to be what it takes."""
        await self.models.load(name, device)
        self.models.model(split_device(name)[0]).memory_bytes = SIZES[split_device(name)[0]] * GIB


@pytest.fixture
async def placed(tmp_path: Path) -> AsyncIterator[Placed]:
    placed = Placed(tmp_path)
    yield placed
    await placed.models.close()


async def test_the_gpu_with_most_free_memory_is_taken(placed: Placed) -> None:
    placed.devices.others["cuda:0"] = 1
    await placed.load("a")
    await placed.load("b")
    await placed.load("c")
    assert placed.places() == {"a": "cuda:1", "b": "cuda:0", "c": "cuda:1"}


async def test_one_that_has_room_now_comes_before_one_where_something_must_go(
    placed: Placed,
) -> None:
    placed.devices.others["cuda:0"] = 5
    await placed.load("a", "cuda:1")
    placed.devices.others["cuda:1"] = 2
    await placed.load("b")
    assert placed.places() == {"a": "cuda:1", "b": "cuda:0"}
    await placed.load("c")
    assert placed.places() == {"b": "cuda:0", "c": "cuda:1"}, "a was unused for longest"


async def test_what_fits_on_no_gpu_goes_to_the_processor_and_says_so(placed: Placed) -> None:
    await placed.load("huge")
    assert placed.places() == {"huge": "cpu"}
    newest = placed.models.events.last()[0]
    assert (newest.event, newest.device) == ("completed", "cpu")
    assert newest.reason == "there is no room on cuda:0, cuda:1"


async def test_models_in_use_are_not_waited_for_where_the_processor_has_room(
    placed: Placed,
) -> None:
    placed.devices.others["cuda:1"] = 10
    async with placed.models.synthesizer("a").lease(), placed.models.synthesizer("b").lease():
        await asyncio.wait_for(placed.load("c"), 5)
        assert placed.places() == {"a": "cuda:0", "b": "cuda:0", "c": "cpu"}


async def test_two_loads_race_for_the_last_memory_of_the_gpus(tmp_path: Path) -> None:
    placed = Placed(tmp_path, gpus=1)
    placed.devices.others["cuda:0"] = 4
    for name in ("a", "b"):
        placed.engine(name).may_load.clear()
    loading = [asyncio.create_task(placed.load(name)) for name in ("a", "b")]
    await until(lambda: all(placed.engine(name).loads for name in ("a", "b")))
    for name in ("a", "b"):
        placed.engine(name).may_load.set()
    await asyncio.gather(*loading)
    assert sorted(placed.places().values()) == ["cpu", "cuda:0"]
    assert placed.devices.most["cuda:0"] == 8
    await placed.models.close()


async def test_asking_again_with_auto_gives_the_one_that_is_loaded(placed: Placed) -> None:
    await placed.load("a", "cpu")
    await placed.load("a")
    await placed.load("a@auto")
    assert placed.places() == {"a": "cpu"} and placed.engine("a").loads == 1


@pytest.mark.parametrize(("first", "again"), [("cuda:1", "cuda"), ("cuda:1", "cuda:1")])
async def test_one_that_is_there_already_stays(placed: Placed, first: str, again: str) -> None:
    await placed.load("a", first)
    await placed.load("a", again)
    assert placed.places() == {"a": first} and placed.engine("a").loads == 1


async def test_an_unused_model_moves(placed: Placed) -> None:
    await placed.load("a@cuda:0")
    await placed.load("a@cuda:1")
    assert placed.places() == {"a": "cuda:1"}
    assert placed.engine("a").placed == ["cuda:0", "cuda:1"]
    reasons = [each.reason for each in placed.models.events.last() if each.event == "unloaded"]
    assert reasons == ["moves to cuda:1"]


async def test_a_model_in_use_does_not_move(placed: Placed) -> None:
    await placed.load("a", "cuda:0")
    async with placed.models.synthesizer("a").lease("a listener"):
        with pytest.raises(InUse, match="a listener"):
            await placed.load("a", "cpu")
    assert placed.places() == {"a": "cuda:0"}


async def test_a_load_under_way_ends_before_the_model_moves(placed: Placed) -> None:
    engine = placed.engine("a")
    engine.may_load.clear()
    first = asyncio.create_task(placed.load("a", "cuda:0"))
    await until(lambda: engine.loads)
    second = asyncio.create_task(placed.load("a", "cpu"))
    await asyncio.sleep(0.02)
    engine.may_load.set()
    await asyncio.gather(first, second)
    assert placed.places() == {"a": "cpu"} and engine.placed == ["cuda:0", "cpu"]


@pytest.mark.parametrize("device", ["cuda:2", "tpu", "cuda:", "CPU", "cuda:0000"])
async def test_a_device_that_is_not_there_is_refused(placed: Placed, device: str) -> None:
    with pytest.raises(BadRequest, match="there are: cpu, cuda:0, cuda:1") as refused:
        await placed.load("a", device)
    assert (refused.value.code, refused.value.field) == ("unknown_device", "device")
    assert not placed.places()


async def test_an_engine_that_cannot_choose_runs_where_it_runs(tmp_path: Path) -> None:
    sized = SizedModels(tmp_path, SIZES, on="cpu")
    await sized.models.load("a", "cpu")
    with pytest.raises(BadRequest, match="runs on cpu only"):
        await sized.models.load("a", "cuda:0")
    await sized.models.close()


async def test_where_people_say_there_must_be_room(
    placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_room, "WAIT_SECONDS", 0.05)
    for device in ("cuda:0", "cuda"):
        with pytest.raises(NoRoom, match="on cuda:0"):
            await placed.load("huge", device)
    assert not placed.places()


async def test_without_a_gpu_all_go_to_the_processor(tmp_path: Path) -> None:
    placed = Placed(tmp_path, gpus=0)
    await placed.load("a")
    assert placed.places() == {"a": "cpu"}
    assert placed.models.events.last()[0].reason is None
    with pytest.raises(BadRequest, match="there are: cpu"):
        await placed.load("b", "cuda")
    await placed.models.close()


async def test_devices_that_cannot_be_read_hold_up_no_load(
    placed: Placed, caplog: pytest.LogCaptureFixture
) -> None:
    placed.devices.error = OSError("the driver is gone")
    await placed.models.load("a")
    assert placed.places() == {"a": "cpu"} and "the devices cannot be read" in caplog.text
    with pytest.raises(BadRequest, match="there are: cpu"):
        await placed.models.load("a", "cuda:0")


async def test_a_failed_load_is_tried_at_once_on_another_device(placed: Placed) -> None:
    placed.engine("a").failures["cuda:0"] = [BadRequest("not here")]
    with pytest.raises(BadRequest, match="not here"):
        await placed.load("a", "cuda:0")
    failed = placed.models.events.last()[0]
    assert (failed.event, failed.device, failed.reason) == ("failed", "cuda:0", "not here")
    await placed.load("a", "cuda:1")
    assert placed.places() == {"a": "cuda:1"}


def settings(device: str = "auto", **named: str) -> Settings:
    return Settings(gpu=GpuSettings(device=device), models=ModelsSettings(devices=named))


@pytest.mark.parametrize(
    ("chosen", "own", "found"),
    [
        (settings(), "auto", "auto"),
        (settings("cpu"), "auto", "cpu"),
        (settings("cuda:1"), "auto", "cuda:1"),
        (settings("cpu"), "cuda", "cuda"),
        (settings("cpu", brought="cuda:1"), "cpu", "cuda:1"),
        (settings("cpu", **{"brought:nana": "cuda:0", "brought": "cuda:1"}), "cpu", "cuda:0"),
        (settings("cpu", **{"brought:nana": "auto"}), "cuda", "cpu"),
        (settings("cpu", other="cuda:1"), "cuda", "cuda"),
    ],
)
def test_settings_name_a_device(chosen: Settings, own: str, found: str) -> None:
    assert device_in_settings(chosen, "brought:nana", own) == found


@pytest.mark.parametrize("wrong", [settings("gpu"), settings("cuda:x"), settings(a="tpu")])
def test_a_setting_that_is_no_device_is_refused(wrong: Settings) -> None:
    with pytest.raises(SettingsError, match="allowed is auto, cpu, cuda or cuda:0"):
        LoadedModels(wrong, names=("tone",))


@pytest.mark.parametrize(
    ("id", "parts"),
    [
        ("kokoro", ("kokoro", "auto")),
        ("kokoro@cpu", ("kokoro", "cpu")),
        ("brought:nana@cuda:1", ("brought:nana", "cuda:1")),
        ("brought:nana@home", ("brought:nana@home", "auto")),
    ],
)
def test_an_id_may_name_a_device(id: str, parts: Any) -> None:
    assert split_device(id) == parts


def test_any_gpu_is_cuda() -> None:
    assert is_on("cuda:1", "cuda") and is_on("cpu", "auto") and not is_on("cpu", "cuda")
    assert not is_on("cuda:1", "cuda:0")


@pytest.mark.gpu
async def test_a_model_goes_to_the_gpu_moves_away_and_leaves_nothing_there(tmp_path: Path) -> None:
    import torch

    from realtime.models.device_readings import DeviceReader
    from tests.support.torchscript_models import Filter, scripted

    for name in ("one", "two"):
        scripted(tmp_path, name, Filter())
    reader = DeviceReader()
    models = LoadedModels(
        Settings(models=ModelsSettings(path=tmp_path)),
        names=("torchscript",),
        read_devices=reader.read,
    )
    for name in ("one", "two"):
        await models.load(f"torchscript:{name}")
        assert models.model(f"torchscript:{name}").device.startswith("cuda:")
    await models.load("torchscript:one@cpu")
    assert models.model("torchscript:one").device == "cpu"
    await models.unload_all()
    assert torch.cuda.memory_allocated() == 0
    await models.close()
    reader.close()
