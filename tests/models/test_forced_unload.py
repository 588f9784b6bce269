"""A forced unload ends the lines that do not end by themselves, with an error that says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from realtime.errors import Busy
from tests.support.polling import until
from tests.support.sized_engines import SizedModels

pytestmark = pytest.mark.anyio


async def test_a_line_that_goes_on_for_ever_is_ended(tmp_path: Path) -> None:
    sized = SizedModels(tmp_path, {"a": 1})
    engine = sized.engines["a"]
    engine.may_speak.clear()
    chunks = 0

    async def speak() -> None:
        nonlocal chunks
        async with sized.models.synthesizer("a").lease("a long line") as lease:
            start = lambda cancel: engine.speak(None, cancel)  # type: ignore[arg-type]  # noqa: E731
            async for _ in lease.lane.stream(start, lambda: 0.0):
                chunks += 1

    speaking = asyncio.create_task(speak())
    await until(lambda: chunks)
    await sized.models.unload("a", force=True)
    with pytest.raises(Busy, match="'a' was unloaded") as ended:
        await speaking
    assert ended.value.code == "unloaded" and ended.value.retry_after
    assert sized.loaded() == [] and engine.unloads == 1
    async with sized.models.synthesizer("a").lease() as lease:
        assert await lease.lane.call(lambda: "anew") == "anew"
    await sized.models.close()
