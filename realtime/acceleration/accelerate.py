"""The call that engines make: it turns a module into a quick callable with the same outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
from realtime.acceleration.network import Network
from realtime.acceleration.plan import Plan
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Axis, Shapes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.acceleration.torch_modes import normal_tensors, without_gradients
from realtime.errors import BadRequest, Unavailable

if TYPE_CHECKING:
    from torch import nn


Maker = Callable[[NetworkSpec], Backend]


def make_compiled(spec: NetworkSpec) -> Backend:
    """Make the backend of the plan `compile`."""
    return Compiled(spec.network, spec.policy.tuned)


def make_eager(spec: NetworkSpec) -> Backend:
    """Make the backend of the plan `eager`."""
    return Eager(spec.network)


def make_graphs(plan: str, inner: Maker) -> Maker:
    """Return a maker of CUDA graphs of another backend's run."""
    return lambda spec: Graphs(plan, spec, CudaRecorder(spec.network.device), inner(spec))


MAKERS: Mapping[str, Maker] = {
    "eager": make_eager,
    "compile": make_compiled,
    "graphs": make_graphs("graphs", make_compiled),
    "eager_graphs": make_graphs("eager_graphs", make_eager),
    "onnx": lambda spec: Built(spec, OnnxRuntime()),
    "tensorrt": lambda spec: Built(spec, TensorRt()),
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
    """Return a callable with the outputs of `module`, run by the quickest plan that is right.

    `inputs` are examples: their shapes are fixed except for `axes`. `state` names the buffers that
    a call changes. Right is what `module` gives in fp32; or what `truth` gives, where `module` is
    itself a quick form that could be wrong. Nothing is compiled yet: `prepare()` does it, or the
    first call of each bucket.
    """
    policies.check(plan, precision)
    policy = policy or Policy()
    _check(inputs, device, axes, state)
    if policy.memory_fraction:
        device_memory.limit(policy.memory_fraction, device)
    if policy.folder is not None:
        set_kernel_folder(policy.folder, policy.folder_bytes)
    start_compile_thread()
    with without_gradients():
        network = Network(
            module, precision, device, autocast=policy.autocast, state=state, truth=truth
        )
        examples = network.to_device(normal_tensors(tuple(item.detach() for item in inputs)))
        shapes = Shapes(examples, axes)
        spec = NetworkSpec(network, shapes, examples, policy, name or type(module).__name__)
        return _with_plans(spec, plan, makers)


def _with_plans(spec: NetworkSpec, plan: str, makers: Mapping[str, Maker]) -> Accelerated:
    """Give a network its ladder of plans; `auto` measures first which one that is.

    A network that is switched off measures nothing: that would compile and capture.
    """

    def make(name: str) -> Plan:
        return Plan(name, lambda: makers[name](spec), spec)

    if plan != "auto":
        return Accelerated(spec, [make(name) for name in policies.ladder(plan)], plan=plan)
    if not spec.policy.enabled:
        return Accelerated(
            spec, [make("eager")], plan=plan, choose=lambda: _chosen_plans(spec, make)
        )
    plans, measured = _chosen_plans(spec, make)
    return Accelerated(spec, plans, plan=plan, measured=measured)


def _chosen_plans(
    spec: NetworkSpec, make: Callable[[str], Plan]
) -> tuple[list[Plan], dict[str, Any]]:
    """Measure which plan is the quickest; return its ladder, and the figures for the report."""
    choice = choose_plan.choose(spec, make)
    spec.counters.forget_hits()
    plans = [choice.made.get(name) or make(name) for name in policies.ladder(choice.plan)]
    return plans, {"milliseconds": choice.milliseconds, "remembered": choice.remembered}


def _check(inputs: Tensors, device: str, axes: Sequence[Axis], state: Sequence[str]) -> None:
    import torch

    if not inputs or not all(isinstance(item, torch.Tensor) for item in inputs):
        raise BadRequest("The examples of a network's inputs must be tensors, at least one.")
    if state and any(axis.padded for axis in axes):
        raise BadRequest(
            "A network with state takes no padded axis: the filling would change its state."
        )
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise Unavailable(f"There is no device {device!r} here.", hint="Use the device cpu.")
