"""The command `gpu`: devices and models as the server has them, or as the machine does."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.cli.commands import parse_arguments
from realtime.cli.gpu import gpu
from realtime.services import build
from realtime.settings import AuthSettings, Settings
from tests.support.fake_devices import FakeDevices
from tests.support.server import LiveServer, serving


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    devices = FakeDevices()
    for module in ("realtime.services", "realtime.cli.gpu"):
        monkeypatch.setattr(f"{module}.DeviceReader.read", lambda self: devices.read())
    return devices


@pytest.fixture
def live(settings: Settings, devices: FakeDevices) -> Iterator[LiveServer]:
    with serving(build(settings)) as live:
        yield live


def options(*arguments: str) -> argparse.Namespace:
    return parse_arguments(["gpu", *arguments])


def test_a_running_server_is_asked(live: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    host, port = live.address
    settings = replace(live.services.settings, host=host, port=port)
    live.post("/api/models/load", {"id": "gain"})
    assert gpu(options(), settings) == 0
    shown = capsys.readouterr().out
    assert "Model management: running" in shown and "gain" in shown
    assert "Automatic clean-up: on, idle for 30 min or 85 % in use" in shown
    assert "Memory monitor: on" in shown
    assert "cuda:0 NVIDIA Bell: 1.1 GB of 8.6 GB in use (12.5 %), load 15 %" in shown
    assert gpu(options("--json"), settings) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["running"] and "gain" in found["loaded"] and len(found["devices"]) == 2


def test_without_a_server_it_looks_itself(
    devices: FakeDevices, tmp_path: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(port=free_port, auth=AuthSettings(keys_path=tmp_path / "keys.yaml"))
    assert gpu(options(), settings) == 0
    shown = capsys.readouterr().out
    assert "no server answers" in shown and "cuda:0 NVIDIA Bell" in shown


def test_watching_goes_on_until_it_is_interrupted(
    devices: FakeDevices, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        if devices.reads == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("realtime.cli.gpu.time.sleep", interrupt)
    settings = Settings(port=free_port, auth=AuthSettings(keys_path=tmp_path / "keys.yaml"))
    with pytest.raises(KeyboardInterrupt):
        gpu(options("--watch"), settings)
    assert devices.reads == 3
