"""What every plan of one network is made of."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.acceleration import trial_inputs
from realtime.acceleration.network import Network
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Shapes, Sizes, Tensors


@dataclass(frozen=True)
class NetworkSpec:
    """A network, its shapes and examples, and how far its plans may go."""

    network: Network
    shapes: Shapes
    examples: Tensors
    policy: Policy
    name: str

    def sample(self, sizes: Sizes) -> Tensors:
        """Inputs of a bucket's size, made of the examples."""
        return self.shapes.sample(self.examples, sizes)

    def cases(self, sizes: Sizes, given: Tensors) -> list[Tensors]:
        """Inputs of a bucket's size with which a form is tried."""
        found = trial_inputs.cases(self.network.given, sizes, given)
        return [self.network.moved(case) for case in found]

    def judged(self, inputs: Tensors, outputs: Tensors) -> Tensors:
        """What counts of the outputs."""
        if self.network.precision == "fp32":
            return outputs
        return trial_inputs.judged(self.network.given, inputs, outputs)
