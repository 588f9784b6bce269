"""A load goes on in spite of failures where that may help, and leaves nothing behind otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import torch

from realtime.acceleration.cuda_health import CUDA_HEALTH
from realtime.errors import BadRequest, Unavailable
from realtime.models.recovery import LoadFailure
from tests.support.sized_engines import PlacedEngine, SizedModels

pytestmark = pytest.mark.anyio
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4 GiB")
SIZES = {"a": 4, "b": 4, "c": 4}


class Failing(SizedModels):
    """Models that may go to any device, and fail as a test says."""

    def __init__(self, folder: Path, gpus: int = 1) -> None:
        super().__init__(folder, SIZES, "auto", PlacedEngine, gpus)

    def fail(self, device: str, *errors: Exception) -> PlacedEngine:
        """Let loads of `a` on a device fail with each of these errors in turn."""
        engine = cast("PlacedEngine", self.engines["a"])
        engine.failures[device] = list(errors)
        return engine

    def device(self, name: str = "a") -> str:
        return self.models.model(name).device


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[Failing]:
    failing = Failing(tmp_path)
    yield failing
    await failing.models.close()


async def test_an_error_that_may_pass_is_tried_once_more(failing: Failing) -> None:
    engine = failing.fail("cuda:0", RuntimeError("flaky"))
    await failing.models.load("a")
    assert engine.placed == ["cuda:0", "cuda:0"] and failing.device() == "cuda:0"


async def test_the_last_error_is_told_and_nothing_is_held(failing: Failing) -> None:
    engine = failing.fail("cuda:0", RuntimeError("flaky"), RuntimeError("gone"))
    engine.failures["cpu"] = [RuntimeError("lost\nand more")]
    with pytest.raises(Unavailable, match="'a' could not be loaded: lost$") as refused:
        await failing.models.load("a")
    assert refused.value.retry_after and engine.placed == ["cuda:0", "cuda:0", "cpu"]
    assert failing.devices.used("cuda:0") == 0 and failing.devices.used("cpu") == 2
    state = failing.models.states()[0]
    assert (state.state, state.memory_bytes, state.error) == ("failed", None, refused.value.message)
    failed = failing.models.events.last()[0]
    assert (failed.event, failed.device) == ("failed", "cpu")


@pytest.mark.parametrize("error", [Unavailable("no file"), BadRequest("a bad file")])
async def test_what_no_second_try_can_mend_is_not_tried(failing: Failing, error: Exception) -> None:
    engine = failing.fail("cuda:0", error)
    with pytest.raises(type(error)):
        await failing.models.load("a")
    assert engine.loads == 1 and failing.devices.used("cuda:0") == 0


async def test_one_without_memory_goes_to_the_processor_and_says_so(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    engine = failing.fail("cuda:0", FULL, FULL)
    await failing.models.load("a")
    assert engine.placed == ["cuda:0", "cuda:0", "cpu"]
    assert failing.models.states()[0].device == "cpu"
    completed = failing.models.events.last()[0]
    assert (completed.event, completed.device) == ("completed", "cpu")
    assert completed.reason == f"cuda:0: {FULL}"
    assert "loading a on cuda:0 failed (out_of_memory): free" in caplog.text
    assert failing.devices.used("cuda:0") == 0


async def test_first_what_nobody_uses_there_goes(failing: Failing) -> None:
    """The estimate may be wrong, so that there is room by the figures and none in truth."""
    await failing.models.load("b")
    engine = failing.fail("cuda:0", FULL)
    await failing.models.load("a")
    assert engine.placed == ["cuda:0", "cuda:0"] and failing.loaded() == ["a"]
    unloaded = [each for each in failing.models.events.last() if each.event == "unloaded"]
    assert [each.reason for each in unloaded] == ["memory of cuda:0"]


async def test_other_gpus_are_tried_before_the_processor(tmp_path: Path) -> None:
    failing = Failing(tmp_path, gpus=3)
    engine = failing.fail("cuda:0", FULL, FULL)
    engine.failures["cuda:1"] = [FULL]
    await failing.models.load("a")
    assert engine.placed == ["cuda:0", "cuda:0", "cuda:1", "cuda:2"]
    assert failing.device() == "cuda:2"
    await failing.models.close()


async def test_out_of_memory_on_the_processor_is_told(failing: Failing) -> None:
    engine = failing.fail("cpu", MemoryError(), MemoryError())
    with pytest.raises(Unavailable, match="could not be loaded: MemoryError"):
        await failing.models.load("a", "cpu")
    assert engine.placed == ["cpu", "cpu"]


async def test_a_failure_that_ends_cuda_is_not_tried_again(
    failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CUDA_HEALTH, "error", None)
    engine = failing.fail("cuda:0", RuntimeError("CUDA error: unspecified launch failure"))
    with pytest.raises(Unavailable, match="unspecified launch failure") as refused:
        await failing.models.load("a")
    assert engine.loads == 1 and "restart the server" in str(refused.value.hint)
    assert CUDA_HEALTH.error == "CUDA error: unspecified launch failure"


async def test_people_say_what_is_done(failing: Failing) -> None:
    engine = failing.fail("cuda:0", *[OSError("the disk sleeps")] * 3)
    seen: list[LoadFailure] = []
    remove = failing.models.on_failure("OSError", seen.append, attempts=3)
    await failing.models.load("a")
    assert engine.loads == 4 and [each.device for each in seen] == ["cuda:0"] * 3
    remove()
    await failing.models.unload("a")
    failing.fail("cuda:0", *[OSError("the disk sleeps")] * 3)
    await failing.models.load("a")
    assert failing.device() == "cpu" and len(seen) == 3


async def test_an_engine_that_cannot_be_freed_hides_no_error(
    failing: Failing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = failing.fail("cuda:0", Unavailable("no file"))

    def stuck() -> None:
        raise RuntimeError("stuck")

    monkeypatch.setattr(engine, "unload", stuck)
    with pytest.raises(Unavailable, match="no file"):
        await failing.models.load("a")
    assert "what was loaded of a could not be freed" in caplog.text


async def test_a_folder_that_cannot_be_read_fails_the_load_alone(
    failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*given: object) -> int:
        raise OSError("the disk is gone")

    monkeypatch.setattr(failing.models.estimates, "estimate", gone)
    with pytest.raises(Unavailable, match="the disk is gone"):
        await failing.models.load("a")
    assert failing.models.states()[0].state == "failed"
