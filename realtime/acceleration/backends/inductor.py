"""The plan that compiles a network with inductor, specialised for each bucket."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import FunctionType
from typing import TYPE_CHECKING, Any

from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.compile_thread import run_on_compile_thread
from realtime.acceleration.network import Network
from realtime.acceleration.refusals import NotNow
from realtime.acceleration.shapes import Sizes, Tensors

if TYPE_CHECKING:
    from torch import nn

Run = Callable[..., Tensors]


class Compiled(Backend):
    """Compiled functions, one for each bucket: each is found at once, with its own guards alone."""

    plan = "compile"

    def __init__(self, network: Network, tuned: bool = False) -> None:
        self._network = network
        self._tuned = tuned
        self._prepared: dict[Sizes, Run] = {}

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        import torch

        if sizes in self._prepared:
            return
        # With `fullgraph`: a part left to Python would count as compiled too.
        compiled = torch.compile(
            _function_around(self._network.traced),
            dynamic=False,
            fullgraph=True,
            options=_options(self._tuned),
        )

        def compile_for() -> None:
            with torch.no_grad():
                compiled(*_flat(inputs))

        run_on_compile_thread(compile_for)
        # Calls only run what was compiled: no lock is needed for what a caller waits for.
        self._prepared[sizes] = torch._dynamo.run(compiled)

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        import torch

        run = self._prepared.get(sizes)
        if run is None:
            raise NotNow("it was not compiled for this size")
        with torch.no_grad():
            return run(*_flat(inputs))

    def holds(self, sizes: Sizes) -> bool:
        return sizes in self._prepared

    def drop(self, sizes: Sizes) -> None:
        self._prepared.pop(sizes, None)

    def close(self) -> None:
        self._prepared.clear()


def _function_around(network: nn.Module) -> Run:
    """Make a function that calls a network, with a code object of its own.

    Dynamo keeps what it compiled with the code object, and keeps only a few for each.
    """
    from torch.compiler import is_compiling

    def run(*inputs: Any) -> Tensors:
        if not is_compiling():
            # Dynamo hands a call that it compiled nothing for to Python, silently.
            raise NotNow("what was compiled does not hold for this call")
        found: Tensors = network(*inputs)
        return found

    code = run.__code__.replace()
    return FunctionType(code, run.__globals__, run.__name__, None, run.__closure__)


def _options(tuned: bool) -> dict[str, Any]:
    tuning = {"max_autotune": True, "coordinate_descent_tuning": True} if tuned else {}
    return {"guard_filter_fn": _choose_guards, **tuning}


def _choose_guards(entries: Any) -> list[bool]:
    """Choose the conditions that a call is checked for: the tensors that come in, and the state.

    The caller's threads and process-wide switches are not among them: lanes set those as they
    like. Weights do not change, and a bucket's shapes are checked before.
    """
    from torch.nn import Parameter

    return [
        entry.guard_type == "TENSOR_MATCH" and not isinstance(entry.value, Parameter)
        for entry in entries
    ]


def _flat(inputs: Tensors) -> Tensors:
    """Lay inputs out in memory as the samples were, also along axes of one place."""
    return tuple(item.detach().contiguous().view(-1).view(item.shape) for item in inputs)
