"""Benchmark: what does it cost to hold several models in a memory that is too small for all?

Ten models of a known size share a device with room for four. Users ask for models at random, so
that loads push others out, while one model that a task keeps answers a steady stream of short
turns. No request may fail, and the kept model's turns should not notice the loads. The device is
one that counts what the models hold. The monitor's cost is that of a reading of this machine's own
devices. A small torch model, where torch is installed, is loaded and unloaded many times, to see
whether memory stays behind.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from realtime import blocks
from realtime.engines.tone import Tone
from realtime.models.device_readings import Device, DeviceReader
from realtime.models.load_memory import give_memory_back
from realtime.models.loaded import LoadedModels
from realtime.models.process_memory import resident_bytes
from realtime.settings import GpuSettings, ModelsSettings, Settings

MODELS = 10
SIZE = 32 << 20
ROOM = 4  # models that fit
KEPT = "kept"
TURN_EVERY_SECONDS = 0.005
MOST_PERCENT = 90.0


class BlockEngine(Tone):
    """A model of a known size, which is placed in memory when it is loaded."""

    def __init__(self, name: str, file: Path, device: CountingDevice) -> None:
        self.name = name
        self._file = file
        self._device = device
        self._block: np.ndarray[Any, Any] | None = None

    def runs_on(self) -> str:
        return self._device.id

    def load(self) -> None:
        self._block = np.empty(SIZE, np.uint8)
        with self._file.open("rb", buffering=0) as file:
            file.readinto(self._block.data)
        self._device.count(SIZE)

    def unload(self) -> None:
        if self._block is not None:
            self._block = None
            self._device.count(-SIZE)

    def use(self) -> int:
        """Touch the model's memory, as a turn does; a model that is gone is an error."""
        assert self._block is not None, "a leased model was unloaded"
        return int(self._block[:: 1 << 16].sum())


class CountingDevice:
    """A device that has room for a few models, and counts what they hold."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.most = 0
        self._used = 0
        self._total = int((ROOM + 0.5) * SIZE / (MOST_PERCENT / 100))
        self._lock = threading.Lock()

    def count(self, size: int) -> None:
        with self._lock:
            self._used += size
            self.most = max(self.most, self._used)

    def read(self) -> Sequence[Device]:
        free = self._total - self._used
        values = (self._total, self._used, free, None, None, None, None)
        return [Device(self.id, "counting", *values)]


class Crowd:
    """Users who ask for models at random, and one who asks the kept model all the time."""

    def __init__(self, folder: Path) -> None:
        self.device = CountingDevice("cuda:0")
        settings = Settings(
            models=ModelsSettings(path=folder),
            gpu=GpuSettings(max_memory_usage_percent=MOST_PERCENT),
        )
        self.names = [f"model{number}" for number in range(MODELS)]
        file = folder / "weights"
        file.write_bytes(bytes(SIZE))
        self.models = LoadedModels(
            settings,
            lambda name, settings: BlockEngine(name, file, self.device),
            (KEPT, *self.names),
            read_devices=self.device.read,
        )
        self.models.estimates.estimate = lambda engine, device="cpu": SIZE  # type: ignore[method-assign]
        self.waits: list[float] = []  # seconds by which the kept model's turns were late
        self.uses: list[float] = []  # seconds from a request for a model until its turn ended
        self.failures: list[str] = []

    async def run(self, users: int, seconds: float) -> None:
        await self.models.load(KEPT)
        gc.freeze()  # as the server does when it has started: collections need not look at it all
        self.models.model(KEPT).pins.add("benchmark")
        end = time.monotonic() + seconds
        await asyncio.gather(self._ask_kept(end), *(self._ask(n, end) for n in range(users)))
        await self.models.close()

    async def _ask_kept(self, end: float) -> None:
        while time.monotonic() < end:
            asked = time.perf_counter()
            async with self.models.synthesizer(KEPT).lease("the steady user") as lease:
                engine = lease.engine
                assert isinstance(engine, BlockEngine)
                await lease.lane.call(engine.use)
            self.waits.append(time.perf_counter() - asked)
            await asyncio.sleep(TURN_EVERY_SECONDS)

    async def _ask(self, number: int, end: float) -> None:
        choice = random.Random(number)
        while time.monotonic() < end:
            name, asked = choice.choice(self.names), time.perf_counter()
            try:
                async with self.models.synthesizer(name).lease(f"user {number}") as lease:
                    engine = lease.engine
                    assert isinstance(engine, BlockEngine)
                    await lease.lane.call(engine.use)
            except Exception as error:  # noqa: BLE001 -- every failure is counted and shown
                self.failures.append(str(error))
            self.uses.append(time.perf_counter() - asked)
            await asyncio.sleep(choice.random() * 0.05)


def measure_crowd(users: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name:
        crowd = Crowd(Path(name))
        asyncio.run(crowd.run(users, seconds))
    events = crowd.models.events.last()
    waits, uses = 1000 * np.array(crowd.waits), 1000 * np.array(crowd.uses)
    for failure in sorted(set(crowd.failures)):
        print(f"failed: {failure}")
    return {
        "users": users,
        "requests": len(uses),
        "failures": len(crowd.failures),
        "loads in the last 1000 events": sum(event.event == "completed" for event in events),
        "most models at once": crowd.device.most // SIZE,
        "request p50 ms": round(float(np.percentile(uses, 50)), 1),
        "request p99 ms": round(float(np.percentile(uses, 99)), 1),
        "kept p50 ms": round(float(np.percentile(waits, 50)), 2),
        "kept p99 ms": round(float(np.percentile(waits, 99)), 2),
        "kept max ms": round(float(waits.max()), 1),
    }


def measure_monitor(readings: int) -> dict[str, Any]:
    """Measure the processor time of a reading, as a share of a core at the default interval."""
    reader = DeviceReader()
    reader.read()
    begun = time.process_time()
    for _ in range(readings):
        found = reader.read()
    spent = (time.process_time() - begun) / readings
    reader.close()
    interval = GpuSettings().memory_monitoring_interval
    return {
        "devices": len(found),
        "reading ms": round(1000 * spent, 3),
        "share of a core, percent": round(100 * spent / interval, 4),
    }


def measure_cycles(cycles: int) -> dict[str, Any]:
    """Load and unload a small network again and again; return what the process then holds."""
    import torch

    class Small(Tone):
        name = "small"

        def load(self) -> None:
            self.network = torch.nn.Sequential(*(torch.nn.Linear(256, 256) for _ in range(8)))

        def unload(self) -> None:
            self.__dict__.pop("network", None)

    async def cycle(models: LoadedModels, count: int) -> None:
        for _ in range(count):
            await models.load("small")
            await models.unload("small")

    async def run() -> tuple[int, int]:
        models = LoadedModels(Settings(), lambda name, settings: Small(settings), ("small",))
        await cycle(models, max(20, cycles // 20))  # what is allocated once
        gc.freeze()  # as the server does when it has started, so that an unload collects quickly
        give_memory_back()
        before = resident_bytes()
        await cycle(models, cycles)
        gc.collect()
        give_memory_back()
        return before, resident_bytes()

    before, after = asyncio.run(run())
    return {
        "cycles": cycles,
        "before MB": round(before / 1e6, 1),
        "after MB": round(after / 1e6, 1),
        "growth, percent": round(100 * (after / before - 1), 2),
    }


def main() -> None:
    parser = report.argument_parser("What does it cost to hold more models than fit?")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--readings", type=int, default=500)
    parser.add_argument("--cycles", type=int, default=2_000)
    options = parser.parse_args()
    figures: dict[str, Any] = {"crowd": [measure_crowd(options.users, options.seconds)]}
    report.print_table(f"{MODELS} models of {SIZE >> 20} MiB, room for {ROOM}", figures["crowd"])
    figures["monitor"] = [measure_monitor(options.readings)]
    report.print_table("The monitor", figures["monitor"])
    if blocks.is_installed(blocks.TORCH):
        figures["cycles"] = [measure_cycles(options.cycles)]
        report.print_table("Loading and unloading a small torch network", figures["cycles"])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
