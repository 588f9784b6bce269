"""A vocoder's shapes are prepared before a request needs them, those needed first at the front."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from realtime.acceleration import Accelerated, Policy
from realtime.vocoders import prepare
from realtime.vocoders.networks.windows import Reach
from realtime.vocoders.vocoder import WindowSettings, make_schedules
from tests.support.small_networks import AlteredBackend, accelerate_vocoder, altered, mel

SHAPES = [(10, 1), (20, 1), (10, 2)]


def network(made: list[AlteredBackend]) -> Accelerated:
    """Make a network whose axes are batch, then frames."""
    return accelerate_vocoder("compile", {"compile": altered(made)}, policy=Policy(when_idle=True))


def batch_first(shapes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(run, frames) for frames, run in shapes]


def test_every_window_of_streams_and_whole_mels_is_wanted_and_a_streams_first_at_once() -> None:
    windows = WindowSettings(chunk=500, batch=3)
    whole, growing = make_schedules(Reach(38, 38), windows)
    found = prepare.window_shapes(growing, whole, windows.batch)
    assert found[:2] == [(16 + 38, 1), (500, 1)]
    assert {run for _, run in found} == {1, 2, 4}
    assert {size for size, _ in found} == {*growing.sizes, *whole.sizes}
    assert len(found) == len(set(found)) == 3 * len(growing.sizes)


def test_all_is_prepared_and_the_next_calls_hit() -> None:
    made: list[AlteredBackend] = []
    run = network(made)
    found = prepare.prepare_shapes(run, mel(20), batch_first(SHAPES), 60.0)
    assert (found.wanted, found.ready) == (3, 3)
    assert made[0].prepared == batch_first(SHAPES)
    assert run.described()["calls"] == 0  # preparing is no traffic
    run(mel(20))
    assert run.described()["hits"] == {"compile": 1}
    assert "3 of 3 shapes ready" in found.summary


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 0), (1.5, 2), (9.0, 3)])
def test_the_bound_holds_between_two_shapes(seconds: float, expected: int) -> None:
    made: list[AlteredBackend] = []
    run = network(made)
    clock: Iterator[float] = iter([0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    found = prepare.prepare_shapes(run, mel(20), batch_first(SHAPES), seconds, lambda: next(clock))
    assert (found.wanted, found.ready) == (3, expected)


def test_devices_share_one_bound() -> None:
    """Seconds that the first takes are lost for the second."""
    runs = [network([]), network([])]
    clock: Iterator[float] = iter([0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0])
    found = prepare.prepare_on_devices(runs, mel(20), batch_first(SHAPES), 3.0, lambda: next(clock))
    assert [each.ready for each in found] == [3, 1]


def test_what_the_network_compiles_for_itself_is_done_at_once() -> None:
    """Also under the plan eager, which has nothing to prepare."""
    calls: list[torch.Size] = []

    class Slow(torch.nn.Conv1d):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            calls.append(input.shape)
            return super().forward(input)

    run = accelerate_vocoder(
        "eager", module=torch.nn.Sequential(Slow(4, 1, 1), torch.nn.Upsample(scale_factor=2))
    )
    prepare.prepare_shapes(run, mel(20), [(1, 10)], 60.0)
    assert calls[0] == (1, 4, 10)
