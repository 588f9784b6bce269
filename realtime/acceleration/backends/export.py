"""A network as a program without Python, with the lengths left open that may change."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.spec import NetworkSpec


def check(parts: NetworkSpec, runtime: str) -> None:
    """Refuse what no exported program can do."""
    if parts.network.stateful:
        raise CannotRun(f"{runtime} cannot change the buffers of a network with state")
    if parts.policy.autocast and not parts.network.is_exact:
        raise CannotRun(f"{runtime} knows no autocast")


def exported(parts: NetworkSpec) -> Any:
    """The network by torch.export, at its largest bucket: a length of 1 could not be left open."""
    import torch

    with torch.no_grad(), quiet():
        inputs = parts.sample(parts.shapes.largest)
        return torch.export.export(
            parts.network.traced, inputs, dynamic_shapes=(dynamic(parts),), strict=False
        )


def dynamic(parts: NetworkSpec) -> tuple[dict[int, Any], ...]:
    """For each input its axes that stay open."""
    import torch

    opened: list[dict[int, Any]] = [{} for _ in parts.examples]
    for axis in parts.shapes.axes:
        for i, place in axis.inputs.items():
            if axis.sizes[-1] > 1:
                opened[i][place] = torch.export.Dim.AUTO
    return tuple(opened)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of exporters about themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
