"""The export of a network as a program without Python, its changing lengths left open."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.spec import NetworkSpec


def check(spec: NetworkSpec, runtime: str) -> None:
    """Refuse networks that no exported program can run."""
    if spec.network.stateful:
        raise CannotRun(f"{runtime} cannot change the buffers of a network with state")
    if spec.policy.autocast and not spec.network.is_exact:
        raise CannotRun(f"{runtime} has no autocast")


def export_network(spec: NetworkSpec) -> Any:
    """Export the network by torch.export."""
    import torch

    with torch.no_grad(), without_warnings():
        # At the largest bucket: torch takes a length of 1 for one that never changes.
        inputs = spec.sample(spec.shapes.largest)
        return torch.export.export(
            spec.network.traced, inputs, dynamic_shapes=(open_axes(spec),), strict=False
        )


def open_axes(spec: NetworkSpec) -> tuple[dict[int, Any], ...]:
    """Name the axes of each input that are left open."""
    import torch

    found: list[dict[int, Any]] = [{} for _ in spec.examples]
    for axis in spec.shapes.axes:
        for i, place in axis.inputs.items():
            if axis.sizes[-1] > 1:
                found[i][place] = torch.export.Dim.AUTO
    return tuple(found)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Ignore the warnings that exporters raise about their own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
