"""Rows of a batch go to several devices and come back in order, also when one of them fails."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator

import pytest
import torch

from realtime.acceleration.device_lock import GATE
from realtime.acceleration.spread import Spread
from realtime.errors import OutOfMemory
from tests.support.small_networks import mel, quick, vocoder

SECONDS = 20


class Device:
    """A vocoder that waits for another one to be at work too, or fails as it is told."""

    def __init__(self) -> None:
        self.module = vocoder()
        self.batches: list[int] = []
        self.fault: Exception | None = None
        self.meets: threading.Barrier | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.meets is not None:
            self.meets.wait(SECONDS)
        if self.fault is not None:
            raise self.fault
        self.batches.append(len(x))
        with torch.no_grad():
            found: torch.Tensor = self.module(x)
        return found


@pytest.fixture
def pair() -> Iterator[tuple[Device, Device, Spread]]:
    one, other = Device(), Device()
    spread = Spread({"one": one, "other": other}, "cpu")
    yield one, other, spread
    spread.close()


def right(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = vocoder()(x)
    return found


@pytest.mark.parametrize("batch", [2, 3, 4, 5])
def test_rows_are_shared_out_and_come_back_in_order(
    batch: int, pair: tuple[Device, Device, Spread]
) -> None:
    one, other, spread = pair
    one.meets = other.meets = threading.Barrier(2)  # both are at work at once
    x = mel(10, batch)
    assert torch.allclose(spread(x), right(x), atol=1e-6)
    assert sorted(one.batches + other.batches) == sorted([batch // 2, -(-batch // 2)])


def test_one_row_goes_to_one_device(pair: tuple[Device, Device, Spread]) -> None:
    one, other, spread = pair
    assert torch.allclose(spread(mel()), right(mel()), atol=1e-6)
    assert sorted(one.batches + other.batches) == [1]


def test_rows_of_a_device_that_fails_are_done_by_the_others(
    pair: tuple[Device, Device, Spread],
) -> None:
    one, other, spread = pair
    one.fault = RuntimeError("an uncorrectable error")

    def alone() -> None:
        other.meets = None

    one.meets = other.meets = threading.Barrier(2, action=alone)
    x = mel(10, 4)
    assert torch.allclose(spread(x), right(x), atol=1e-6)
    assert [told["out"] for told in spread.described()] == ["an uncorrectable error", None]
    before = len(other.batches)
    assert torch.allclose(spread(x), right(x), atol=1e-6)
    assert other.batches[before:] == [4], "one device gets it all at once"


def test_what_is_too_much_for_every_device_is_its_askers(
    pair: tuple[Device, Device, Spread],
) -> None:
    one, other, spread = pair
    one.fault = other.fault = OutOfMemory("too much")
    with pytest.raises(OutOfMemory):
        spread(mel(10, 4))
    one.fault = other.fault = None
    assert torch.allclose(spread(mel()), right(mel()), atol=1e-6)


def test_accelerated_networks_take_rows_made_in_inference_mode() -> None:
    module = vocoder()
    networks = {name: quick("eager", module=copy.deepcopy(module)) for name in ("cpu", "cpu:0")}
    spread = Spread(networks, "cpu")
    with torch.inference_mode():
        x = mel(10, 4)
        assert torch.allclose(spread(x), right(x), atol=1e-6)
    spread.close()


def test_who_waits_for_the_devices_is_not_at_work(pair: tuple[Device, Device, Spread]) -> None:
    one, other, spread = pair
    inside, go_on = threading.Event(), threading.Event()

    def held(x: torch.Tensor) -> torch.Tensor:
        inside.set()
        assert go_on.wait(SECONDS)
        return x

    busy = Spread({"held": held}, "cpu")

    def work() -> None:
        with GATE.working():
            busy(mel())

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(SECONDS)
    with GATE.alone(SECONDS):
        go_on.set()
    worker.join(SECONDS)
    assert not worker.is_alive()
    busy.close()
