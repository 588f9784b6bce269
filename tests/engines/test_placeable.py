"""Devices of engines: what the settings say, and what is meant where no GPU is named."""

from __future__ import annotations

import pytest

from realtime.acceleration import cuda_driver
from realtime.engines.placeable import (
    device_in_settings,
    device_of_load,
    kind_of,
    usable_device,
    with_number,
)
from realtime.settings import GpuSettings, ModelsSettings, Settings


def settings_of(device: str = "auto", **devices: str) -> Settings:
    return Settings(models=ModelsSettings(devices=devices), gpu=GpuSettings(device=device))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (settings_of(), "cpu"),
        (settings_of(rvc="cuda:1"), "cuda:1"),
        (settings_of(**{"rvc": "cuda:1", "rvc:nana": "cuda:2"}), "cuda:2"),
        (settings_of("cuda:3", rvc="auto"), "cuda:3"),
        (settings_of(other="cuda:1"), "cpu"),
    ],
)
def test_the_nearest_setting_counts(settings: Settings, expected: str) -> None:
    assert device_in_settings(settings, "rvc:nana", "cpu") == expected


@pytest.mark.parametrize("gpu", [True, False])
def test_auto_is_only_beside_a_gpu(monkeypatch: pytest.MonkeyPatch, gpu: bool) -> None:
    monkeypatch.setattr(cuda_driver, "has_usable_gpu", lambda: gpu)
    expected = "auto" if gpu else "cpu"
    assert usable_device(settings_of(), "rvc:nana", "auto") == expected
    assert usable_device(settings_of(rvc="auto"), "rvc:nana", "cpu") == expected
    assert usable_device(settings_of(rvc="cuda:1"), "rvc:nana", "cpu") == "cuda:1"


def test_a_load_has_a_device_with_its_number() -> None:
    assert [device_of_load(each) for each in ("auto", "cuda", "cuda:1", "cpu")] == [
        "cuda:0",
        "cuda:0",
        "cuda:1",
        "cpu",
    ]
    assert with_number("cuda") == "cuda:0" and kind_of("cuda:1") == "cuda"
