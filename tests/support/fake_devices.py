"""Devices that have what a test says, in place of this machine's."""

from __future__ import annotations

import pytest

from realtime.models.device_readings import Device

GIB = 1 << 30


def device(id: str, total: int, used: int, utilization: float | None = None) -> Device:
    """Make a device with so many GiB of memory."""
    free = (total - used) * GIB
    name = "A processor" if id == "cpu" else "NVIDIA Bell"
    driver = None if id == "cpu" else "580.65.06"
    return Device(id, name, total * GIB, used * GIB, free, utilization, None, None, driver)


class FakeDevices:
    """A processor with 16 GiB and GPUs with 8 GiB each, of which tests fill a part."""

    def __init__(self, gpus: int = 1) -> None:
        self.used = {"cpu": 4, **{f"cuda:{number}": 1 for number in range(gpus)}}
        self.error: Exception | None = None
        self.reads = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
        """Let servers that are built from now on find these devices."""
        monkeypatch.setattr("realtime.services.DeviceReader.read", lambda reader: self.read())
        return self

    def read(self) -> list[Device]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return [device(id, 16 if id == "cpu" else 8, used, 15) for id, used in self.used.items()]
