"""The steps of flow matching as they are run: by torch alone, or accelerated for a few lengths.

A chunk of another length is filled up to the next one. The mask hides the filling from the frames
of the line, so their numbers are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.acceleration import Accelerated, Axis, Policy, accelerate
from realtime.acceleration.torch_modes import dtype_of
from realtime.engines.decoding.run_config import RunConfig

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.gpt_sovits.networks.diffusion_transformer import DiffusionTransformer
    from realtime.engines.gpt_sovits.networks.flow_matching import FlowMatching

# The name of the accelerated network; it stands in metrics and must not change.
STEP = "gpt_sovits mel step"
LENGTHS = (256, 512, 768)  # frames, and the longest chunk; a short clip leaves room for more


def run_steps(
    flow: FlowMatching, longest: int, run: RunConfig, policy: Policy
) -> Accelerated | None:
    """Put the network of a flow on the device and in the precision of a run.

    Return its faster form; None where torch alone runs it, with the plan `eager`.
    """
    if run.plan == "eager":
        flow.to(run.device, dtype_of(run.precision))
        return None
    flow.to(run.device)
    lengths = (*(each for each in LENGTHS if each < longest), longest)
    return accelerate(
        flow.estimator,
        inputs=example(flow.estimator, longest),
        plan=run.plan,
        precision=run.precision,
        device=run.device,
        axes=(Axis(lengths, {0: 1, 1: 1, 2: 1, 4: 1}, {0: 1}, padded=True),),
        policy=policy,
        name=STEP,
    )


def example(network: DiffusionTransformer, frames: int) -> tuple[Tensor, ...]:
    """Make inputs of a step, as loud as those of speech, the same every time."""
    import torch

    generator = torch.Generator().manual_seed(frames)

    def noise(channels: int) -> Tensor:
        return torch.randn(1, frames, channels, generator=generator).to(weight)

    weight = network.proj_out.weight
    bands, features = network.shape.bands, network.shape.features
    with torch.no_grad():
        times = torch.full((1,), 0.5).to(weight)
        steering = network.steering(times, times)[0]
    known = noise(bands)
    known[:, frames // 2 :] = 0.0
    return noise(bands), known, noise(features), steering, torch.ones(1, frames, 1).to(weight)
