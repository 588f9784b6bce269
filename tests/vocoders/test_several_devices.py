"""Work goes to a free device, comes back in order, and is done again where a device fails."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
import torch

from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.errors import BadRequest, Busy, OutOfMemory, Unavailable
from realtime.vocoders.several_devices import DeviceQueue, MultiDeviceNetwork
from tests.support.small_networks import accelerate_vocoder, mel, vocoder

SECONDS = 20


class DoublingDevice:
    """A device that doubles a number; it waits at a gate, or fails as it is told."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.fault: Callable[[int], Exception | None] = lambda number: None
        self.did: list[int] = []

    def __call__(self, number: int) -> int:
        self.busy.set()
        assert self.gate.wait(SECONDS)
        fault = self.fault(number)
        if fault is not None:
            raise fault
        self.did.append(number)
        return 2 * number


def outs(queue: DeviceQueue) -> list[str | None]:
    """Give for each device why it was taken out."""
    return [device.out for device in queue._devices.values()]


@pytest.fixture
def pair() -> Any:
    one, other = DoublingDevice(), DoublingDevice()
    queue = DeviceQueue({"one": one, "other": other})
    yield one, other, queue
    one.gate.set()
    other.gate.set()
    queue.close()


def test_results_come_in_order(pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue]) -> None:
    one, other, queue = pair
    one.gate.clear()
    opener = threading.Thread(target=lambda: (one.busy.wait(SECONDS), one.gate.set()))
    opener.start()
    found = list(queue.map((number,) for number in range(50)))
    opener.join(SECONDS)
    assert found == [2 * number for number in range(50)]
    assert sorted(one.did + other.did) == list(range(50))


def test_a_piece_runs_in_its_callers_context() -> None:
    name = ContextVar("name", default="")
    queue = DeviceQueue({"one": name.get})
    context = copy_context()
    context.run(name.set, "mine")
    try:
        assert context.run(queue.submit).result(SECONDS) == "mine"
        assert queue.submit().result(SECONDS) == ""
    finally:
        queue.close()


def test_the_freest_takes_what_comes(
    pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue],
) -> None:
    one, other, queue = pair
    one.gate.clear()
    other.gate.clear()
    held = [queue.submit(0), queue.submit(1)]
    assert one.busy.wait(SECONDS) and other.busy.wait(SECONDS)
    other.gate.set()  # from here on only this one is free
    later = [queue.submit(number) for number in range(2, 10)]
    assert [result.result(SECONDS) for result in later] == [2 * n for n in range(2, 10)]
    assert set(range(2, 10)) <= set(other.did) and one.did == []
    one.gate.set()
    assert sorted(result.result(SECONDS) for result in held) == [0, 2]


def test_a_device_that_fails_is_taken_out_and_its_work_done_elsewhere(
    pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue],
) -> None:
    one, other, queue = pair
    failed = threading.Event()

    def fail(number: int) -> Exception:
        failed.set()
        return RuntimeError("an uncorrectable error")

    one.fault = fail
    other.gate.clear()  # so that one of two pieces is the failing device's
    held = queue.submit(0), queue.submit(1)
    assert failed.wait(SECONDS)
    other.gate.set()
    assert [result.result(SECONDS) for result in held] == [0, 2]
    assert list(queue.map((n,) for n in range(20))) == [2 * n for n in range(20)]
    assert outs(queue) == ["an uncorrectable error", None]


def test_a_piece_that_fails_everywhere_is_at_fault_itself(
    pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue],
) -> None:
    one, other, queue = pair
    for device in (one, other):
        device.fault = lambda number: ZeroDivisionError("7") if number == 7 else None
    with pytest.raises(ZeroDivisionError):
        queue.submit(7).result(SECONDS)
    assert outs(queue) == [None, None]
    assert list(queue.map((n,) for n in range(5))) == [0, 2, 4, 6, 8]


def test_two_devices_that_fail_at_once_do_not_wait_for_each_other(
    pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue],
) -> None:
    one, other, queue = pair
    one.fault = other.fault = lambda number: RuntimeError("both")
    for result in [queue.submit(number) for number in range(6)]:
        with pytest.raises(RuntimeError, match="both"):
            result.result(SECONDS)
    assert outs(queue) == [None, None]


def test_a_small_memory_is_no_broken_device(
    pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue],
) -> None:
    one, other, queue = pair
    one.fault = lambda number: OutOfMemory("too large for one")
    assert list(queue.map((n,) for n in range(20))) == [2 * n for n in range(20)]
    assert outs(queue) == [None, None]


def test_a_wrong_request_is_tried_once(
    pair: tuple[DoublingDevice, DoublingDevice, DeviceQueue],
) -> None:
    one, other, queue = pair
    asked: list[int] = []

    def refuse(number: int) -> Exception:
        asked.append(number)
        return BadRequest("no")

    one.fault = other.fault = refuse
    with pytest.raises(BadRequest):
        queue.submit(1).result(SECONDS)
    assert asked == [1]


def test_queues_are_bounded_and_closing_refuses() -> None:
    device = DoublingDevice()
    device.gate.clear()
    queue = DeviceQueue({"only": device}, most_waiting=2)
    under_way = queue.submit(0)
    assert device.busy.wait(SECONDS)
    waiting = [queue.submit(1), queue.submit(2)]
    with pytest.raises(Busy, match="2 pieces already wait"):
        queue.submit(3)
    assert waiting[1].cancel()
    closer = threading.Thread(target=queue.close)
    closer.start()
    device.gate.set()
    closer.join(SECONDS)
    assert under_way.result(SECONDS) == 0
    assert waiting[0].done()
    with pytest.raises(Busy, match="closed"):
        queue.submit(4)


def test_no_device_is_no_service() -> None:
    with pytest.raises(BadRequest, match="At least one device"):
        DeviceQueue({})


def test_when_every_device_is_out_nothing_waits() -> None:
    device = DoublingDevice()
    queue = DeviceQueue({"only": device})
    queue._devices["only"].out = "burnt"
    with pytest.raises(Unavailable, match="Every device"):
        queue.submit(1).result(SECONDS)
    queue.close()


class VocoderDevice:
    """A vocoder on a device: it waits until another one works too, or fails as it is told."""

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
def vocoder_pair() -> Iterator[tuple[VocoderDevice, VocoderDevice, MultiDeviceNetwork]]:
    one, other = VocoderDevice(), VocoderDevice()
    network = MultiDeviceNetwork({"one": one, "other": other}, "cpu")
    yield one, other, network
    network.close()


def right(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = vocoder()(x)
    return found


@pytest.mark.parametrize("batch", [2, 3, 4, 5])
def test_rows_are_shared_out_and_come_back_in_order(
    batch: int, vocoder_pair: tuple[VocoderDevice, VocoderDevice, MultiDeviceNetwork]
) -> None:
    one, other, network = vocoder_pair
    one.meets = other.meets = threading.Barrier(2)  # both are at work at once
    x = mel(10, batch)
    assert torch.allclose(network(x), right(x), atol=1e-6)
    assert sorted(one.batches + other.batches) == sorted([batch // 2, -(-batch // 2)])


def test_one_row_goes_to_one_device(
    vocoder_pair: tuple[VocoderDevice, VocoderDevice, MultiDeviceNetwork],
) -> None:
    one, other, network = vocoder_pair
    assert torch.allclose(network(mel()), right(mel()), atol=1e-6)
    assert sorted(one.batches + other.batches) == [1]


def test_rows_of_a_device_that_fails_are_done_by_the_others(
    vocoder_pair: tuple[VocoderDevice, VocoderDevice, MultiDeviceNetwork],
) -> None:
    one, other, network = vocoder_pair
    one.fault = RuntimeError("an uncorrectable error")

    def alone() -> None:
        other.meets = None

    one.meets = other.meets = threading.Barrier(2, action=alone)
    x = mel(10, 4)
    assert torch.allclose(network(x), right(x), atol=1e-6)
    assert outs(network.queue) == ["an uncorrectable error", None]
    before = len(other.batches)
    assert torch.allclose(network(x), right(x), atol=1e-6)
    assert other.batches[before:] == [4], "one device gets it all at once"


def test_what_is_too_much_for_every_device_is_its_askers(
    vocoder_pair: tuple[VocoderDevice, VocoderDevice, MultiDeviceNetwork],
) -> None:
    one, other, network = vocoder_pair
    one.fault = other.fault = OutOfMemory("too much")
    with pytest.raises(OutOfMemory):
        network(mel(10, 4))
    one.fault = other.fault = None
    assert torch.allclose(network(mel()), right(mel()), atol=1e-6)


def test_accelerated_networks_take_rows_made_in_inference_mode() -> None:
    module = vocoder()
    networks = {
        name: accelerate_vocoder("eager", module=copy.deepcopy(module)) for name in ("cpu", "cpu:0")
    }
    network = MultiDeviceNetwork(networks, "cpu")
    with torch.inference_mode():
        x = mel(10, 4)
        assert torch.allclose(network(x), right(x), atol=1e-6)
    network.close()


def test_who_waits_for_the_devices_is_not_at_work(
    vocoder_pair: tuple[VocoderDevice, VocoderDevice, MultiDeviceNetwork],
) -> None:
    one, other, network = vocoder_pair
    inside, go_on = threading.Event(), threading.Event()

    def held(x: torch.Tensor) -> torch.Tensor:
        inside.set()
        assert go_on.wait(SECONDS)
        return x

    busy = MultiDeviceNetwork({"held": held}, "cpu")

    def work() -> None:
        with DEVICE_LOCK.working():
            busy(mel())

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(SECONDS)
    with DEVICE_LOCK.alone(SECONDS):
        go_on.set()
    worker.join(SECONDS)
    assert not worker.is_alive()
    busy.close()
