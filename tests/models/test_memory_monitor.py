"""The monitor remembers an hour, outlives its source, and says when memory runs out."""

from __future__ import annotations

import asyncio
import threading

import pytest

from realtime.models import memory_monitor
from realtime.models.memory_monitor import MemoryMonitor
from tests.support.fake_devices import GIB, FakeDevices

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def devices() -> FakeDevices:
    return FakeDevices()


async def test_it_is_asked_while_it_does_not_run(devices: FakeDevices) -> None:
    monitor = MemoryMonitor(devices.read, clock=Clock())
    found = await monitor.status()
    assert found is not None and found.time_ms == 1_000_000_000
    assert found.system.total == 16 * GIB and found.system.percent == 25.0
    assert found.summary.gpu_count == 1 and found.summary.gpu_free_bytes == 7 * GIB
    devices.used["cuda:0"] = 2
    again = await monitor.status()
    assert again is not None and again.summary.gpu_used_bytes == 2 * GIB


async def test_it_samples_while_it_runs(devices: FakeDevices) -> None:
    monitor = MemoryMonitor(devices.read, interval=0.001)
    monitor.start()
    monitor.start()
    for _ in range(3):
        await monitor.changed.wait()
    assert monitor.running and devices.reads >= 3
    await monitor.stop()
    await monitor.stop()
    reads = devices.reads
    await asyncio.sleep(0.02)
    assert devices.reads == reads and not monitor.running
    assert len(monitor.history()) >= 3, "what it saw stays"


async def test_it_stops_in_the_moment_when_a_reading_is_there(devices: FakeDevices) -> None:
    """Python 3.11's `wait_for` loses a cancellation that comes together with the result."""
    for steps in range(6):
        monitor = MemoryMonitor(devices.read, interval=3_600)
        reading = asyncio.get_running_loop().create_future()
        monitor._reading = reading  # type: ignore[assignment]
        monitor.start()
        await asyncio.sleep(0)
        reading.set_result(())
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await monitor.stop()


async def test_it_answers_from_its_last_sample_while_it_runs(devices: FakeDevices) -> None:
    monitor = MemoryMonitor(devices.read, interval=3_600)
    monitor.start()
    await monitor.changed.wait()
    assert await monitor.status() is await monitor.status()
    assert devices.reads == 1
    await monitor.stop()


async def test_its_history_reaches_as_far_as_it_can_be_asked(devices: FakeDevices) -> None:
    clock = Clock()
    monitor = MemoryMonitor(devices.read, interval=120, clock=clock)
    for minute in range(0, 90, 2):
        clock.now = 60.0 * minute
        devices.used["cuda:0"] = 2 if minute < 80 else 4
        await monitor.sample()
    assert [point.time_ms // 60_000 for point in monitor.history(10)] == [78, 80, 82, 84, 86, 88]
    hour = monitor.history()
    assert (hour[0].time_ms // 60_000, len(hour)) == (28, 31), "an hour, and no more is kept"
    assert hour[-1].devices["cuda:0"].percent == 50.0
    figures = monitor.statistics()["cuda:0"]
    assert (figures.least, figures.most) == (25.0, 50.0) and 25 < figures.mean < 50
    monitor.clear_history()
    assert not monitor.history() and not monitor.statistics()


async def test_a_source_that_fails_is_told_once_and_may_come_back(
    devices: FakeDevices, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = MemoryMonitor(devices.read)
    devices.error = OSError("the driver is gone")
    assert await monitor.status() is None
    await monitor.sample()
    assert caplog.text.count("the devices cannot be read") == 1
    devices.error = None
    before = await monitor.status()
    assert before is not None
    devices.error = OSError("again")
    assert await monitor.status() == before, "the last reading stays"
    assert caplog.text.count("the devices cannot be read") == 2


async def test_a_source_that_hangs_takes_one_thread(
    devices: FakeDevices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_monitor, "SLOW_SECONDS", 0.01)
    answers, asked = threading.Event(), 0

    def hang() -> list[memory_monitor.Device]:
        nonlocal asked
        asked += 1
        answers.wait()
        return devices.read()

    monitor = MemoryMonitor(hang)
    for _ in range(3):
        assert await monitor.status() is None
    assert asked == 1
    answers.set()
    await monitor.sample()
    assert await monitor.status() is not None
