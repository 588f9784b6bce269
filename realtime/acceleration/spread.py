"""One batch on several devices: its rows are shared out, and come back in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from realtime.acceleration.device_lock import GATE
from realtime.vocoders.several_devices import Replicas, returning

if TYPE_CHECKING:
    from torch import Tensor


class Spread:
    """Called like each of its networks, which are the same one on a device of its own each.

    They take a batch and give as many rows. A device that fails is taken out; its rows are done by
    the others.
    """

    def __init__(self, networks: Mapping[str, Callable[[Tensor], Tensor]], home: str) -> None:
        """Results come back to the device `home`."""
        import torch

        self._torch = torch
        self.replicas = Replicas(
            {name: returning(network, torch.device(home)) for name, network in networks.items()}
        )

    def __call__(self, batch: Tensor) -> Tensor:
        rows = -(-len(batch) // max(1, self.replicas.live))
        pieces = [batch[start : start + rows] for start in range(0, len(batch), rows)]
        with GATE.away():  # the devices' threads are at work, this one waits for them
            found = list(self.replicas.map((piece,) for piece in pieces))
        return found[0] if len(found) == 1 else self._torch.cat(found)

    def described(self) -> list[dict[str, Any]]:
        return self.replicas.described()

    def close(self) -> None:
        self.replicas.close()
