"""Random kills of an engine's process under many lines: no wrong byte, and one ending for each."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
from collections import Counter
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime.audio.wav import HEADER_BYTES
from realtime.engines.outside.process_facts import RunsOutside
from realtime.errors import YamabikoError
from realtime.services import Services, build
from realtime.settings import CacheSettings, OutsideSettings, Settings
from realtime.speech.request import LineRequest
from tests.support.polling import until
from tests.support.processes import is_gone

pytestmark = pytest.mark.anyio

LINES_AT_ONCE = 16
TEXTS = [f"Line {number}: far behind the hills there stood a tower. " * 4 for number in range(8)]
LOST = {"engine_crashed", "engine_restarting"}


def request(text: str, seed: int = 0) -> LineRequest:
    """Make a request; the seed changes the recording, and not the sound of `tone`."""
    return LineRequest(text=text, engine="tone", language="en", seed=seed)


class Crowd:
    """Listeners that ask for lines, and a count of how these ended."""

    def __init__(self, services: Services) -> None:
        self.endings: Counter[str] = Counter()
        self.heard: dict[str, list[bytes]] = {}
        self.begun = 0
        self.stopped = False
        self._services = services
        self._numbers = itertools.count()

    async def ask(self) -> None:
        while not self.stopped:
            self.begun += 1
            number = next(self._numbers)
            self.endings[await self._say(TEXTS[number % len(TEXTS)], number)] += 1
            await asyncio.sleep(0.01)

    async def _say(self, text: str, seed: int) -> str:
        """Say a line; return how it ended, which it must do once."""
        line = await self._services.speech.line(request(text, seed))
        parts = []
        try:
            async with aclosing(self._services.speech.say(line)) as spoken:
                async for part in spoken:
                    parts.append(part.pcm.tobytes())
        except YamabikoError as error:
            return error.code
        self.heard.setdefault(text, []).append(b"".join(parts))
        return "done"


async def kill_at_random(services: Services, kills: int, chance: random.Random) -> list[int]:
    engine = services.models.engine("tone")
    assert isinstance(engine, RunsOutside)
    killed: list[int] = []
    while len(killed) < kills:
        await until(lambda: engine.process().id not in (None, *killed), patience=60)
        await asyncio.sleep(chance.random() * 0.3)
        pid = engine.process().id
        if pid is not None and pid not in killed:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
    return killed


def settings_in(settings: Settings, folder: Path, engines: tuple[str, ...]) -> Settings:
    outside = OutsideSettings(
        engines=engines, backoff_seconds=0.01, most_backoff_seconds=0.05, stall_seconds=60.0
    )
    return replace(settings, outside=outside, cache=CacheSettings(path=folder))


@pytest.mark.parametrize(
    "kills", [10, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)])]
)
async def test_kills_under_many_lines(settings: Settings, tmp_path: Path, kills: int) -> None:
    services = build(settings_in(settings, tmp_path / "outside", ("tone",)))
    await services.cache.start()
    await services.models.load("tone")
    crowd = Crowd(services)
    asking = [asyncio.create_task(crowd.ask()) for _ in range(LINES_AT_ONCE)]
    killed = await kill_at_random(services, kills, random.Random(20))
    await until(lambda: crowd.endings["done"] > 0, patience=60)
    crowd.stopped = True
    await asyncio.gather(*asking)
    assert sum(crowd.endings.values()) == crowd.begun
    assert set(crowd.endings) <= {"done", *LOST} and crowd.endings["engine_crashed"]
    await services.close()
    right = await right_sounds(settings_in(settings, tmp_path / "inside", ()))
    assert all(sound == right[text] for text, sounds in crowd.heard.items() for sound in sounds)
    kept = list((tmp_path / "outside").rglob("*.wav"))
    assert kept and all(path.read_bytes()[HEADER_BYTES:] in right.values() for path in kept)
    assert all(is_gone(pid) for pid in killed)
    assert not list((tmp_path / "outside" / ".growing").iterdir())


async def right_sounds(settings: Settings) -> dict[str, bytes]:
    """Speak the lines with the engine in this process."""
    services = build(settings)
    await services.cache.start()
    found = {text: await whole_sound(services, text) for text in TEXTS}
    await services.close()
    return found


async def whole_sound(services: Services, text: str) -> bytes:
    line = await services.speech.line(request(text))
    async with aclosing(services.speech.say(line, keep=False)) as spoken:
        parts = [part.pcm async for part in spoken]
    return np.concatenate(parts).tobytes()
