"""The common parts of all plans of one network."""

from __future__ import annotations

from dataclasses import dataclass, field

from realtime.acceleration import trial_inputs
from realtime.acceleration.counters import Counters
from realtime.acceleration.network import Network
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Shapes, Sizes, Tensors


@dataclass(frozen=True)
class NetworkSpec:
    """A network with its shapes, example inputs, limits and counters."""

    network: Network
    shapes: Shapes
    examples: Tensors
    policy: Policy
    name: str
    counters: Counters = field(default_factory=Counters)

    def sample(self, sizes: Sizes) -> Tensors:
        """Make inputs of a bucket's size from the examples."""
        return self.shapes.sample(self.examples, sizes)

    def cases(self, sizes: Sizes, inputs: Tensors) -> list[Tensors]:
        """Give the inputs with which a bucket is checked: the module's own cases, or `inputs`."""
        found = trial_inputs.cases(self.network.given, sizes, inputs)
        return [self.network.to_device(case) for case in found]

    def judged(self, inputs: Tensors, outputs: Tensors) -> Tensors:
        """Give what is compared of the outputs; in fp32 all of them are."""
        if self.network.precision == "fp32":
            return outputs
        return trial_inputs.judged(self.network.given, inputs, outputs)
