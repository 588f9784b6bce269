"""From a module to a callable with the same outputs: the one call that engines make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from realtime.acceleration import choose_plan, device_memory
from realtime.acceleration import policy as policies
from realtime.acceleration.accelerated import Accelerated
from realtime.acceleration.backends.backend import Backend, Eager
from realtime.acceleration.backends.built import Built
from realtime.acceleration.backends.compile_thread import set_kernel_folder, start_compile_thread
from realtime.acceleration.backends.cuda_capture import CudaRecorder
from realtime.acceleration.backends.cuda_graphs import Graphs
from realtime.acceleration.backends.inductor import Compiled
from realtime.acceleration.backends.onnx import OnnxRuntime
from realtime.acceleration.backends.tensorrt import TensorRt
from realtime.acceleration.counters import Counters
from realtime.acceleration.network import Network
from realtime.acceleration.plan import Plan
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Axis, Shapes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.acceleration.torch_modes import ordinary, taken
from realtime.errors import BadRequest, Unavailable

if TYPE_CHECKING:
    from torch import nn


Maker = Callable[[NetworkSpec], Backend]


def compiled(parts: NetworkSpec) -> Backend:
    return Compiled(parts.network, parts.policy.tuned)


def eager(parts: NetworkSpec) -> Backend:
    return Eager(parts.network)


def graphs(plan: str, inner: Maker) -> Maker:
    """CUDA graphs of another form."""
    return lambda parts: Graphs(plan, parts, CudaRecorder(parts.network.device), inner(parts))


MAKERS: Mapping[str, Maker] = {
    "eager": eager,
    "compile": compiled,
    "graphs": graphs("graphs", compiled),
    "eager_graphs": graphs("eager_graphs", eager),
    "onnx": lambda parts: Built(parts, OnnxRuntime()),
    "tensorrt": lambda parts: Built(parts, TensorRt()),
}


def accelerate(
    module: nn.Module,
    *,
    inputs: Tensors,
    plan: str = "auto",
    precision: str = "fp32",
    device: str = "cpu",
    axes: Sequence[Axis] = (),
    state: Sequence[str] = (),
    truth: nn.Module | None = None,
    policy: Policy | None = None,
    name: str | None = None,
    makers: Mapping[str, Maker] = MAKERS,
) -> Accelerated:
    """A callable with the outputs of `module`, in the quickest form that is right.

    `inputs` are examples: their shapes hold but for `axes`. `state` names the buffers that a call
    changes. Right is what `truth` gives in fp32, where `module` is itself a quick form that could
    be wrong; else what `module` gives. Nothing is compiled yet: `prepare()` does it, or the first
    call of each bucket.
    """
    policies.check(plan, precision)
    policy = policy or Policy()
    _check(inputs, device, axes, state)
    if policy.memory_fraction:
        device_memory.limit(policy.memory_fraction, device)
    if policy.folder is not None:
        set_kernel_folder(policy.folder, policy.folder_bytes)
    start_compile_thread()
    with ordinary():
        network = Network(
            module, precision, device, autocast=policy.autocast, state=state, truth=truth
        )
        examples = network.moved(taken(tuple(item.detach() for item in inputs)))
        shapes = Shapes(examples, axes)
        parts = NetworkSpec(network, shapes, examples, policy, name or type(module).__name__)
        return _built(parts, plan, makers)


def _built(parts: NetworkSpec, plan: str, makers: Mapping[str, Maker]) -> Accelerated:
    ledger = Counters()

    def rung(step: str) -> Plan:
        return Plan(step, lambda: makers[step](parts), parts, ledger)

    if plan != "auto":
        return Accelerated(parts, [rung(step) for step in _ladder(plan)], ledger, plan=plan)
    choice = choose_plan.choose(parts, rung)
    ledger.forget_hits()
    rungs = [choice.rungs.get(step) or rung(step) for step in _ladder(choice.plan)]
    told = {"milliseconds": choice.milliseconds, "remembered": choice.remembered}
    return Accelerated(parts, rungs, ledger, plan=plan, told={"auto": told})


def _ladder(plan: str) -> list[str]:
    """A plan and what is tried after it, eager in the end."""
    return list(dict.fromkeys((*policies.ladder(plan), "eager")))


def _check(inputs: Tensors, device: str, axes: Sequence[Axis], state: Sequence[str]) -> None:
    import torch

    if not inputs or not all(isinstance(item, torch.Tensor) for item in inputs):
        raise BadRequest("The examples of a network's inputs must be tensors, at least one.")
    if state and any(axis.padded for axis in axes):
        raise BadRequest("A network with state takes no padded axis: its state would be too.")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise Unavailable(f"There is no device {device!r} here.", hint="Use the device cpu.")
