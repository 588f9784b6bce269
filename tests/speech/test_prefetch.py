"""Lists of lines that are spoken when nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.errors import NotFound
from realtime.services import Services, build
from realtime.settings import CacheSettings, Settings
from realtime.speech.prefetch import Prefetch, PrefetchJobs
from realtime.speech.request import LineRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(settings: Settings, tmp_path: Path) -> AsyncIterator[Services]:
    services = build(replace(settings, cache=CacheSettings(path=tmp_path)))
    await services.cache.start()
    yield services
    await services.prefetches.close()
    await services.cache.close()
    await services.models.close()


def requests(*texts: str) -> list[LineRequest]:
    return [LineRequest(text, engine="tone") for text in texts]


async def ended(prefetch: Prefetch) -> Prefetch:
    assert prefetch.task is not None
    await asyncio.wait_for(prefetch.task, 20)
    return prefetch


async def test_every_line_is_kept_and_asking_twice_costs_nothing(services: Services) -> None:
    first = await ended(services.prefetches.begin(requests("one", "two", "three", "...")))
    assert (first.total, first.done, first.failed, first.state) == (4, 3, 1, "finished")
    assert first.errors == ["line 4: The text holds nothing that can be spoken."]
    spoken = services.metrics.prometheus_text()
    again = await ended(services.prefetches.begin(requests("one", "two", "three")))
    assert again.done == 3
    assert b'syntheses_total{engine="tone"} 3.0' in spoken
    assert b'syntheses_total{engine="tone"} 3.0' in services.metrics.prometheus_text()
    assert len(services.cache.index) == 3


async def test_a_cancelled_list_stops_and_what_it_spoke_stays(services: Services) -> None:
    running = services.prefetches.begin(requests(*(f"line {n} " + "abc " * 200 for n in range(50))))
    while running.done < 2:  # noqa: ASYNC110 -- nothing tells about single lines
        await asyncio.sleep(0.002)
    await services.prefetches.cancel(running.id)
    assert running.state == "cancelled"
    done = running.done
    await asyncio.sleep(0.05)
    assert running.done == done < 50
    assert services.prefetches.get(running.id) is running


async def test_an_unknown_list_is_named(services: Services) -> None:
    with pytest.raises(NotFound, match="nothing"):
        services.prefetches.get("nothing")


async def test_a_stop_ends_all_lists(services: Services) -> None:
    running = services.prefetches.begin(requests("abc " * 1000))
    await PrefetchJobs(services.speech).close()
    await services.prefetches.close()
    assert running.state == "cancelled"
