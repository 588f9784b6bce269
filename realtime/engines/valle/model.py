"""VALL-E X and its vocoder on one device: the step, the passes and the vocoder, ready to be called.

With the plan `eager` torch runs them; with any other they are accelerated.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from realtime.acceleration import Accelerated, Axis, Policy
from realtime.acceleration.shapes import Sizes
from realtime.acceleration.torch_modes import dtype_of
from realtime.engines.decoding.batch import Batch
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.runner import Runner, make_runner, run_network
from realtime.engines.valle.budget import MOST_FRAMES, PLACES
from realtime.engines.valle.codes import HOP
from realtime.engines.valle.load_networks import build_network, build_vocoder
from realtime.engines.valle.prompt import LinePrompt
from realtime.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from realtime.engines.valle.networks.autoregressive import AutoregressiveModel
    from realtime.engines.valle.networks.checkpoint import ValleNetwork
    from realtime.engines.valle.networks.parallel import ParallelInputs
    from realtime.engines.valle.networks.vocos import Vocos
    from realtime.networks.cached_attention import CachedAttention

State = Mapping[str, "Tensor"]

# Sizes to which inputs are padded. Few, as each is compiled and tried before anybody is heard.
SPANS = (512, 1024, 1536, PLACES)  # places of a slot that a step reads
LENGTHS = (256, 512, 768, 1024, 1536, 2048, PLACES)  # of a piece in a pass
FRAMES = (150, 600, MOST_FRAMES)  # of a piece in the vocoder

# Names of the accelerated networks. They stand in metrics, and where a size cannot run as planned
# in the engine's version, which is part of a recording's key: they must not change.
STEP, PASS, VOCODER = "valle coarse", "valle fine", "valle vocos"


class ValleModel:
    """The networks of one run, with the batch of lines that share its steps."""

    def __init__(self, valle: State, vocos: State, run: RunConfig, settings: Settings) -> None:
        import torch

        from realtime.acceleration.network import disable_tf32

        disable_tf32()
        # Each prefill has a length of its own, and cuDNN would make a new plan for every length.
        torch.backends.cuda.enable_cudnn_sdp(False)
        self.run = run
        self.accelerated: list[Accelerated] = []  # in the order step, pass, vocoder; or empty
        self._check: Callable[[], None] = _never_interrupt
        self.spans = (PLACES,) if settings.valle.reproducible else SPANS
        self._policy = Policy.of(settings, when_idle=False)
        network = build_network(valle)
        self.parallel_inputs = _make_parallel_inputs(network, run)
        # Every length and stage, kept on the device: to send a number there would block.
        self._numbers = torch.arange(PLACES + 1, device=run.device)
        self.batch = self._make_batch(network, settings)
        self._pass = self._make_pass(network)
        self._vocoder = self._make_vocoder(build_vocoder(vocos))

    def prepare(
        self,
        spans: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
        frames: Sequence[int] | None = None,
    ) -> None:
        """Compile or record every size before anybody waits for it.

        Where sizes are given, only those; others are made when they are first needed.
        """
        spans = self.spans if spans is None else spans
        sizes: tuple[list[Sizes], ...] = (
            [(count, span) for count in self.run.batch_sizes for span in spans],
            [(length,) for length in (LENGTHS if lengths is None else lengths)],
            [(count,) for count in (FRAMES if frames is None else frames)],
        )
        for network, buckets in zip(self.accelerated, sizes, strict=False):
            network.prepare(buckets)

    @contextmanager
    def interrupted_by(self, check: Callable[[], None]) -> Iterator[None]:
        """Call `check` before every layer that runs eagerly: it may raise to stop a long pass."""
        self._check = check
        try:
            yield
        finally:
            self._check = _never_interrupt

    def refine(self, x: Tensor, stage: int) -> Tensor:
        """Return the codes of one stage for every place of a piece."""
        import torch

        length = len(x)
        if self.accelerated:
            padded = next(size for size in LENGTHS if size >= length)
            x = torch.nn.functional.pad(x, (0, 0, 0, padded - length))
        lengths, stages = self._numbers[length, None], self._numbers[stage, None]
        with run_network(self._pass, x[None], lengths, stages) as (codes, _):
            kept: Tensor = codes[0, :length].clone()
        return kept

    def make_sound(self, codes: Tensor) -> Tensor:
        """Return the samples of (frames, 8) of codes, 320 a frame."""
        import torch

        frames = len(codes)
        levels = codes.T[None]
        if self.accelerated:
            padded = next(size for size in FRAMES if size >= frames)
            levels = torch.nn.functional.pad(levels, (0, padded - frames))
        sound: Tensor = self._vocoder(levels, self._numbers[frames, None])
        return sound[0, : HOP * frames]

    def _make_batch(self, network: ValleNetwork, settings: Settings) -> Batch[LinePrompt]:
        from realtime.engines.valle.networks.autoregressive import (
            AutoregressiveModel,
            Sampling,
            filter_logits,
        )
        from realtime.networks.cached_attention import masked_attention
        from realtime.networks.slot_cache import CACHE

        run, wanted = self.run, settings.valle.sampling
        sampling = Sampling(wanted.temperature, wanted.top_k, wanted.top_p)
        make = partial(
            AutoregressiveModel, network, slots=run.slots, places=PLACES, sampling=sampling
        )
        attention = _choose_attention(network, run)
        model = make(attention=attention)
        if attention is not masked_attention:
            self.spans = (PLACES,)  # the kernels read of each line what it has, whatever the span
        step = self._make_runner(
            model,
            STEP,
            model.cases((run.batch_sizes[-1], self.spans[-1]))[0],
            (Axis(run.batch_sizes, {0: 0, 1: 0}, {0: 0, 1: 0}), Axis(self.spans, {2: 0})),
            CACHE,
            run.precision,
            truth=None if attention is masked_attention else make(),
        )
        working = step.module  # may be a copy of `model` in a shorter precision
        assert isinstance(working, AutoregressiveModel)
        # The published model compares lines after temperature and filters.
        score = partial(filter_logits, sampling=sampling) if wanted.best_of > 1 else None
        return Batch(
            working,
            partial(_prefill, working),
            partial(run_network, step),
            batch_sizes=run.batch_sizes,
            spans=self.spans,
            score=score,
            ahead=run.kind == "cuda",
        )

    def _make_pass(self, network: ValleNetwork) -> Runner:
        from realtime.engines.valle.networks.parallel import ParallelModel

        model = ParallelModel(network)
        axes = (Axis(LENGTHS, {0: 1}, {0: 1, 1: 1}),)
        example = model.cases(LENGTHS[:1])[0]
        return self._make_runner(model, PASS, example, axes, (), self.run.precision)

    def _make_vocoder(self, vocos: Vocos) -> Runner:
        axes = (Axis(FRAMES, {0: 2}, {0: 1}, HOP),)
        return self._make_runner(vocos, VOCODER, vocos.cases(FRAMES[:1])[0], axes, (), "fp32")

    def _make_runner(
        self,
        module: nn.Module,
        name: str,
        example: tuple[Tensor, ...],
        axes: Sequence[Axis],
        state: Sequence[str],
        precision: str,
        truth: nn.Module | None = None,
    ) -> Runner:
        from realtime.engines.valle.networks.transformer import Layer

        if self.run.plan == "eager":
            for part in module.modules():
                if isinstance(part, Layer):
                    part.register_forward_pre_hook(lambda *_: self._check())
        run = replace(self.run, precision=precision)
        runner = make_runner(module, name, example, axes, state, run, self._policy, truth)
        if isinstance(runner, Accelerated):
            self.accelerated.append(runner)
        return runner


def _prefill(model: AutoregressiveModel, slot: int, prompt: LinePrompt) -> None:
    """Write a line's prompt into its slot."""
    import torch

    numbers = (prompt.ids, prompt.languages, prompt.codes)
    model.prefill(
        slot, *(torch.tensor(row, dtype=torch.long, device=model.device) for row in numbers)
    )


def _never_interrupt() -> None:
    """Let every layer run."""


def _choose_attention(network: ValleNetwork, run: RunConfig) -> CachedAttention:
    """Return the attention of the steps on this device."""
    import torch

    from realtime.networks.cached_attention import choose_attention

    shape = network.shape
    size = shape.width // shape.heads
    return choose_attention(torch.device(run.device), dtype_of(run.precision), shape.heads, size)


def _make_parallel_inputs(network: ValleNetwork, run: RunConfig) -> ParallelInputs:
    """Make the inputs of the passes, as a copy where the network is moved or shortened."""
    from realtime.engines.valle.networks.parallel import ParallelInputs

    inputs = ParallelInputs(network, PLACES)
    if (run.device, run.precision) != ("cpu", "fp32"):
        inputs = copy.deepcopy(inputs)
    return inputs.to(run.device)
