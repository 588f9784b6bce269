"""A model's state tells its device, its users, when it was used, and when it will be unloaded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from realtime.engines.registry import create
from realtime.models.model_state import device_of
from realtime.settings import Settings
from tests.support.sized_engines import SizedModels

pytestmark = pytest.mark.anyio


def test_an_engine_that_says_nothing_runs_on_the_processor() -> None:
    assert device_of(create("tone", Settings())) == "cpu"


async def test_a_loaded_model_tells_its_life(tmp_path: Path) -> None:
    sized = SizedModels(tmp_path, {"a": 1})
    unused = sized.models.states()[0]
    assert (unused.id, unused.engine, unused.state) == ("a", "a", "unloaded")
    assert (unused.load_ms, unused.last_used_ms, unused.memory_bytes) == (None, None, None)
    assert unused.device == "cuda:0", "where it would run"
    before = 1000 * time.time()
    async with sized.models.synthesizer("a").lease("a listener"):
        used = sized.models.states(lambda name: 59.2)[0]
        assert (used.leases, used.users, used.unloads_in_s) == (1, ("a listener",), 60)
    loaded = sized.models.states()[0]
    assert loaded.last_used_ms is not None and loaded.last_used_ms >= int(before)
    assert (loaded.state, loaded.leases, loaded.unloads_in_s) == ("loaded", 0, None)
    assert loaded.load_ms is not None and loaded.memory_bytes is not None
    await sized.models.close()
