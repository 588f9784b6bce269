"""Engines of a known size on devices of a known size: loading one fills its device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.tone import Tone
from realtime.models.device_readings import Device
from realtime.models.loaded import LoadedModels
from realtime.settings import GpuSettings, ModelsSettings, Settings
from tests.support.fake_devices import GIB, device
from tests.support.scripted_engines import chunk


class SizedEngine(Tone):
    """An engine that takes so many GiB of a device while it is loaded."""

    def __init__(self, name: str, size: int, on: str, devices: SizedDevices) -> None:
        self.name = name
        self.size = size
        self.on = on
        self.loads = self.unloads = 0
        self.may_load = threading.Event()
        self.may_load.set()
        self.may_speak = threading.Event()
        self.may_speak.set()
        self._devices = devices

    def runs_on(self) -> str:
        return self.on

    def load(self) -> None:
        self.loads += 1
        assert self.may_load.wait(20)
        self._devices.take(self.on, self.name, self.size)

    def unload(self) -> None:
        self.unloads += 1
        self._devices.take(self.on, self.name, 0)

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        cancel.interrupt_with(self.may_speak.set)
        while True:
            yield chunk(0.25)
            self.may_speak.wait()
            cancel.check()


class PlacedEngine(SizedEngine):
    """An engine of a known size that runs on any device, and fails there as a test says."""

    def __init__(self, name: str, size: int, on: str, devices: SizedDevices) -> None:
        super().__init__(name, size, on, devices)
        self.wanted = on
        self.on = "cpu"
        self.failures: dict[str, list[Exception]] = {}  # of a device: one for each load
        self.placed: list[str] = []

    def wanted_device(self) -> str:
        return self.wanted

    def place(self, device: str) -> None:
        self.placed.append(device)
        self.on = device

    def load(self) -> None:
        super().load()
        if failures := self.failures.get(self.on):
            raise failures.pop(0)


class SizedDevices:
    """A processor with 16 GiB and GPUs with 10 GiB, filled by the engines that are loaded."""

    def __init__(self, gpus: int = 1) -> None:
        gpu_ids = [f"cuda:{number}" for number in range(gpus)]
        self.others = {"cpu": 2, **dict.fromkeys(gpu_ids, 0)}  # GiB that other programs take
        self.most = dict.fromkeys(self.others, 0)  # GiB that ever were in use
        self.error: Exception | None = None  # of a reading
        self._taken: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def take(self, on: str, name: str, size: int) -> None:
        with self._lock:
            self._taken[on, name] = size
            self.most[on] = max(self.most[on], self.used(on))

    def used(self, on: str) -> int:
        ours = sum(size for (device, _), size in self._taken.items() if device == on)
        return ours + self.others[on]

    def read(self) -> list[Device]:
        if self.error is not None:
            raise self.error
        with self._lock:
            sizes = {on: 16 if on == "cpu" else 10 for on in self.others}
            return [device(on, size, self.used(on)) for on, size in sizes.items()]


class SizedModels:
    """Models of known sizes, whose estimates are right, on devices that they fill."""

    def __init__(
        self,
        folder: Path,
        sizes: dict[str, int],
        on: str = "cuda:0",
        kind: type[SizedEngine] = SizedEngine,
        gpus: int = 1,
    ) -> None:
        self.now = 0.0
        self.devices = SizedDevices(gpus)
        self.engines = {name: kind(name, size, on, self.devices) for name, size in sizes.items()}
        self.settings = Settings(
            models=ModelsSettings(path=folder, retry_seconds=0.0, unload_seconds=0.05),
            gpu=GpuSettings(idle_timeout_minutes=1.0),
        )
        self.models = LoadedModels(
            self.settings,
            lambda name, settings: self.engines[name],
            tuple(sizes),
            lambda: self.now,
            self.devices.read,
        )
        by_name = {name: size * GIB for name, size in sizes.items()}
        self.models.estimates.estimate = (  # type: ignore[method-assign]
            lambda engine, device="cpu": by_name[engine.name]
        )

    def loaded(self) -> list[str]:
        return [state.name for state in self.models.states() if state.state == "loaded"]
