"""A conversation without a socket: order, endings, interruption, bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from realtime.audio import HEADER_BYTES
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech import Wish
from tests.talking import Client, talking

pytestmark = pytest.mark.anyio

LONG = "abcdefgh " * 60  # 43 seconds


@pytest.fixture
async def services(settings: Settings, tmp_path: Path) -> AsyncIterator[Services]:
    from dataclasses import replace

    from realtime.settings import Cache

    services = build(replace(settings, cache=Cache(path=tmp_path)))
    await services.cache.start()
    yield services
    await services.close()


@pytest.fixture
async def client(services: Services) -> AsyncIterator[Client]:
    async with talking(services) as client:
        yield client


async def test_a_line_from_its_start_to_its_end(client: Client, services: Services) -> None:
    await client.say("a", "abc def", character="af_heart", timestamps=True)
    await client.ended("a")
    kinds = [kind for kind, _ in client.log]
    assert kinds[:3] == ["ready", "started", "timestamps"] and kinds[-1] == "done"
    started, done = client.of("started")[0], client.ending("a")
    assert started["cache"] == "miss" and started["url"] == done["url"]
    assert (started["character"], started["engine"]) == ("af_heart", "tone")
    assert done["duration"] == pytest.approx(client.pcm("a").size / 24000, abs=1e-4)
    assert set(done["timing"]) == {"queue", "text", "first_audio", "total"}


async def test_frames_are_the_recording(client: Client, services: Services) -> None:
    await client.say("a", LONG[:200])
    await client.ended("a")
    line = await services.speech.line(Wish(LONG[:200], engine="tone"))
    async with services.speech.open(line) as opened:
        data = b"".join([part async for part in opened.source.chunks()])
    assert client.pcm("a").astype("<i2").tobytes() == data[HEADER_BYTES:]
    sizes = [frame.size for frame in client.frames[client.stream("a")]]
    assert all(480 <= size <= 1440 for size in sizes[:-1])
    await client.say("b", LONG[:200])
    await client.ended("b")
    assert client.of("started", "b")[0]["cache"] in ("hit", "join")
    assert np.array_equal(client.pcm("a"), client.pcm("b"))
