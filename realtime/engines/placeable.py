"""Engines that run on the device that they are told, and the device that the settings name."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from realtime.acceleration import cuda_driver
from realtime.model_id import split_id
from realtime.settings import Settings

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
REMOTE = "remote"  # the device of a model that a server elsewhere has: none of ours


@runtime_checkable
class Placeable(Protocol):
    """An engine that is told, before each load, on which device it runs.

    One that is never told, as in a program of its own, runs where its settings say.
    """

    def wanted_device(self) -> str:
        """Return what its settings or its files ask for: `auto`, `cpu`, `cuda` or `cuda:1`.

        `auto` only where it can use CUDA here. It is asked off the loop.
        """

    def place(self, device: str) -> None:
        """Take the device of the next load: `cpu` or `cuda:0`."""


def device_in_settings(settings: Settings, id: str, own: str) -> str:
    """Return the device that the settings give a model; `own` is what its engine or file says.

    `models.devices` wins, by the model's id or its engine; `gpu.device` decides what is `auto`.
    """
    named = settings.models.devices
    found = str(named.get(id) or named.get(split_id(id)[0]) or own)
    return settings.gpu.device if found == AUTO else found


def usable_device(settings: Settings, id: str, own: str) -> str:
    """Return the device that the settings give a model of torch: `auto` only beside a GPU."""
    found = device_in_settings(settings, id, own)
    return found if found != AUTO or cuda_driver.has_usable_gpu() else CPU


def with_number(device: str) -> str:
    return "cuda:0" if device == CUDA else device


def device_of_load(wanted: str) -> str:
    """Return where an engine is loaded that was not placed: `auto` is a GPU, which is there."""
    return with_number(CUDA if wanted == AUTO else wanted)


def kind_of(device: str) -> str:
    """Return `cpu` or `cuda`."""
    return device.partition(":")[0]
