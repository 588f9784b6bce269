"""A text that is spoken while it is written: whose recording it becomes, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.cache import GrowingRecording
from realtime.services import Services, build
from realtime.settings import CacheSettings, Settings
from realtime.speech.request import LineRequest
from realtime.speech.speech import LineInProgress
from realtime.timer import Timer
from tests.support.polling import until

pytestmark = pytest.mark.anyio

STORY = "When the rain stopped, nobody believed it. We waited, all night long, by the river. "
REQUEST = LineRequest("", engine="tone")


@pytest.fixture
async def services(settings: Settings, tmp_path: Path) -> AsyncIterator[Services]:
    services = build(replace(settings, cache=CacheSettings(path=tmp_path)))
    await services.cache.start()
    yield services
    await services.close()


async def sound_of(in_progress: LineInProgress) -> Pcm:
    async with aclosing(in_progress.spoken) as spoken:
        return np.concatenate([part.pcm async for part in spoken])


async def test_a_text_that_was_cut_as_a_whole_one_is_its_recording(services: Services) -> None:
    incoming = services.speech.incoming_text(REQUEST, Timer())
    for place in range(0, len(STORY), 7):
        incoming.write(STORY[place : place + 7])
    incoming.end()
    async with services.speech.saying_while_written(REQUEST, incoming) as in_progress:
        assert in_progress.address is None, "its text is not whole yet"
        written = await sound_of(in_progress)
    whole = await services.speech.line(replace(REQUEST, text=STORY))
    await until(lambda: not services.cache.busy)
    assert in_progress.line == whole
    assert in_progress.address == services.speech.address(whole)
    async with services.speech.saying(whole) as again:
        assert again.result == "hit" and np.array_equal(await sound_of(again), written)


async def test_a_text_that_was_cut_otherwise_is_not_kept(services: Services) -> None:
    incoming = services.speech.incoming_text(REQUEST, Timer())
    incoming.write(STORY[:10])
    incoming.flush()
    incoming.write(STORY[10:])
    incoming.end()
    async with services.speech.saying_while_written(REQUEST, incoming) as in_progress:
        await sound_of(in_progress)
    await until(lambda: not services.cache.busy)
    assert in_progress.address is None and not len(services.cache.index)


async def test_a_recording_may_be_whole_before_its_listener_gets_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task that speaks needs nothing that is made after it has begun."""
    opened = services.cache.open_without_address

    @asynccontextmanager
    async def late(production: Any) -> AsyncIterator[GrowingRecording]:
        async with opened(production) as growing:
            growing.finish_anyway()
            await until(lambda: growing.whole or growing.error)
            yield growing

    monkeypatch.setattr(services.cache, "open_without_address", late)
    incoming = services.speech.incoming_text(REQUEST, Timer())
    incoming.write("abc.")
    incoming.end()
    async with services.speech.saying_while_written(REQUEST, incoming) as in_progress:
        assert (await sound_of(in_progress)).size
    assert in_progress.address is not None
