"""Small networks, and backends that do what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from realtime.acceleration import Accelerated, Axis, Policy, accelerate
from realtime.acceleration.accelerate import MAKERS, Maker
from realtime.acceleration.backends.backend import Backend, Eager
from realtime.acceleration.backends.cuda_capture import CapturedGraph, Pool
from realtime.acceleration.backends.cuda_graphs import Graphs
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.network import Network
from realtime.acceleration.shapes import Shapes, Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec

BANDS = 4
UP = 2
BATCHES = Axis((1, 2, 4), {0: 0}, {0: 0}, padded=True)
FRAMES = Axis((10, 20), {0: 2}, {0: 2}, UP)
PLACES = 16
WIDE = 8


def compiled_graphs() -> int:
    """Return how many graphs torch's compiler has made in this process."""
    from torch._dynamo.utils import counters  # here: it takes seconds, and most compile nothing

    return int(counters["stats"]["unique_graphs"])


def vocoder() -> nn.Module:
    """Make a network from bands to twice as many samples, like a vocoder."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv1d(BANDS, 8, 3, padding=1), nn.Tanh(), nn.ConvTranspose1d(8, 1, 4, UP, 1)
    )


def mel(frames: int = 10, batch: int = 1, seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(batch, BANDS, frames, generator=random)


class Step(nn.Module):
    """A decode step: it writes its row where its input says, and reads all rows so far."""

    cache: Tensor

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.linear = nn.Linear(WIDE, WIDE)
        self.register_buffer("cache", torch.zeros(2, PLACES, WIDE))

    def forward(self, x: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        row = self.linear(x)
        self.cache[torch.arange(2), place] = row
        seen = torch.arange(PLACES)[None] <= place[:, None]
        total = (self.cache * seen[..., None].to(row.dtype)).sum(1)
        return total, total.argmax(-1)


def step_inputs(place: int = 0, seed: int = 0) -> Tensors:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(2, WIDE, generator=random), torch.tensor([place, place])


class CpuGraphPool:
    """Memory as CUDA's: graphs share it, and all of it is held until the last is closed."""

    def __init__(self) -> None:
        self.graphs: list[CpuGraph] = []

    @property
    def bytes(self) -> int:
        if all(graph.closed for graph in self.graphs):
            return 0
        return max(graph.size for graph in self.graphs)


class CpuGraph:
    """A captured run like a CUDA graph: its buffers stay, and each replay overwrites them."""

    def __init__(self, run: Callable[[Tensors], Tensors], inputs: Tensors, size: int) -> None:
        self._run = run
        self.inputs = tuple(item.clone() for item in inputs)
        self.outputs = tuple(item.clone() for item in run(self.inputs))
        self.size = size
        self.replays = 0
        self.fault: Exception | None = None
        self.closed = False

    def replay(self) -> None:
        assert not self.closed, "a closed graph was replayed"
        if self.fault is not None:
            raise self.fault
        self.replays += 1
        first = [item.clone() for item in self.inputs]
        threading.Event().wait(0.001)  # another thread may now do what it must not
        for mine, now in zip(first, self.inputs, strict=True):
            assert torch.equal(mine, now), "the inputs changed under a replay"
        with torch.no_grad():
            for static, found in zip(self.outputs, self._run(self.inputs), strict=True):
                static.copy_(found)

    def close(self) -> None:
        self.closed = True


class CpuRecorder:
    """A recorder of CPU graphs; `fault` is raised instead, `size` is what a graph takes.

    As with CUDA a capture that meets others' work is spoilt: `meanwhile` runs in the midst of it.
    `calls` lists what was called, in order.
    """

    def __init__(self, size: int = 100, fault: Exception | None = None) -> None:
        self.size = size
        self.fault = fault
        self.graphs: list[CpuGraph] = []
        self.pools: list[CpuGraphPool] = []
        self.calls: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def pool(self) -> CpuGraphPool:
        self.pools.append(CpuGraphPool())
        return self.pools[-1]

    def warm(self, run: Callable[[Tensors], Tensors], inputs: Tensors) -> None:
        self.calls.append("warm")
        run(tuple(item.clone() for item in inputs))

    def record(
        self, run: Callable[[Tensors], Tensors], inputs: Tensors, pool: Pool
    ) -> CapturedGraph:
        assert isinstance(pool, CpuGraphPool)
        assert not DEVICE_LOCK._working, "a capture met others' work"
        if self.fault is not None:
            raise self.fault
        self.meanwhile()
        self.graphs.append(CpuGraph(run, inputs, self.size))
        pool.graphs.append(self.graphs[-1])
        assert not DEVICE_LOCK._working, "a capture met others' work"
        return self.graphs[-1]

    def begin(self) -> None:
        self.calls.append("begin")

    def end(self) -> None:
        self.calls.append("end")


class AlteredBackend(Backend):
    """A backend that gives what `alter` makes of the right outputs; a fault where one is set."""

    plan = "compile"

    def __init__(
        self, network: Network, alter: Callable[[Tensors], Tensors] = lambda outputs: outputs
    ) -> None:
        self._network = network
        self.alter = alter
        self.fault: Exception | None = None
        self.prepared: list[Sizes] = []
        self.closed = False

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        self.prepared.append(sizes)

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        if self.fault is not None:
            raise self.fault
        return self.alter(self._network.run(inputs))

    def close(self) -> None:
        self.closed = True


def altered(
    made: list[AlteredBackend], alter: Callable[[Tensors], Tensors] = lambda outputs: outputs
) -> Maker:
    """Return a maker of altered backends, which a test then finds in `made`."""

    def make(spec: NetworkSpec) -> Backend:
        made.append(AlteredBackend(spec.network, alter))
        return made[-1]

    return make


def graphs_with(recorder: CpuRecorder) -> Maker:
    """Return a maker of the plan `graphs` with a recorder of the test."""
    return lambda spec: Graphs("graphs", spec, recorder, Eager(spec.network))


def failing_maker(error: Exception) -> Maker:
    """Return a maker that raises an error."""

    def make(spec: NetworkSpec) -> Backend:
        raise error

    return make


def accelerate_vocoder(
    plan: str = "compile",
    makers: Mapping[str, Maker] | None = None,
    module: nn.Module | None = None,
    **options: Any,
) -> Accelerated:
    """Accelerate a vocoder with a plan."""
    return accelerate(
        module or vocoder(),
        inputs=(mel(),),
        plan=plan,
        axes=(BATCHES, FRAMES),
        makers={**MAKERS, **(makers or {})},
        **options,
    )


def accelerate_step(
    plan: str,
    makers: Mapping[str, Maker] | None = None,
    module: nn.Module | None = None,
    **options: Any,
) -> Accelerated:
    """Accelerate a decode step with a plan."""
    return accelerate(
        module or Step(),
        inputs=step_inputs(),
        plan=plan,
        state=("cache",),
        makers={**MAKERS, **(makers or {})},
        **options,
    )


def network_spec(policy: Policy | None = None, precision: str = "fp32") -> NetworkSpec:
    """Make the common parts of a vocoder's plans."""
    network = Network(vocoder(), precision, "cpu")
    shapes = Shapes((mel(),), (BATCHES, FRAMES))
    return NetworkSpec(network, shapes, (mel(),), policy or Policy(), "vocoder")


def fallback_reasons(found: Accelerated) -> list[str]:
    """List the reasons of the fallbacks, the most frequent first."""
    return [item["reason"] for item in found.described()["fallbacks"]]
