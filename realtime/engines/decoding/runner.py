"""Networks as they are run: by torch alone with the plan `eager`, else accelerated."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration import Accelerated, Axis, Policy, accelerate
from realtime.acceleration.torch_modes import dtype_of, with_index
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.placeable import CUDA, kind_of

if TYPE_CHECKING:
    from torch import Tensor, nn


class EagerNetwork:
    """A network as torch runs it, with its weights in one precision."""

    def __init__(self, module: nn.Module, device: str, precision: str) -> None:
        self.module = module.to(device, dtype_of(precision)).eval().requires_grad_(False)

    def __call__(self, *inputs: Tensor) -> Any:
        import torch

        with torch.no_grad():
            return self.module(*inputs)


Runner = EagerNetwork | Accelerated


def make_runner(
    module: nn.Module,
    name: str,
    example: tuple[Tensor, ...],
    axes: Sequence[Axis],
    state: Sequence[str],
    run: RunConfig,
    policy: Policy,
    truth: nn.Module | None = None,
) -> Runner:
    """Make a network ready on the device and in the precision of a run."""
    if run.plan == "eager":
        return EagerNetwork(module, run.device, run.precision)
    return accelerate(
        module,
        inputs=example,
        plan=run.plan,
        precision=run.precision,
        device=run.device,
        axes=axes,
        state=state,
        truth=truth,
        policy=policy,
        name=name,
    )


@contextmanager
def run_network(runner: Runner, *inputs: Tensor) -> Iterator[Any]:
    """Run a network; its outputs may be overwritten after the end of the block."""
    if isinstance(runner, EagerNetwork):
        yield runner(*inputs)
        return
    with runner.lease(*inputs) as lent:
        yield lent.outputs


def plan_in_force(networks: Sequence[Accelerated]) -> str:
    """Return the plan that runs, `eager` for none; a checksum tells which sizes it cannot run.

    Where networks run on different plans, all are named.
    """
    plans = [network.mode for network in networks] or ["eager"]
    plan = plans[0] if len(set(plans)) == 1 else "+".join(plans)
    failed = [(network.name, network.failed) for network in networks if network.failed]
    return f"{plan}!{zlib.crc32(repr(failed).encode()):08x}" if failed else plan


def use_gpu(device: str) -> None:
    """Make a GPU the current one of this lane's thread: kernels of Triton run on no other."""
    import torch

    if kind_of(device) == CUDA:
        torch.cuda.set_device(with_index(device))
