"""VALL-E X and its vocoder on one device, each part in the form in which it runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from realtime.acceleration import Accelerated, Axis, Policy, accelerate
from realtime.acceleration.shapes import Sizes
from realtime.acceleration.torch_modes import dtype_of
from realtime.engines.valle.batching import Batch
from realtime.engines.valle.budget import HOP, MOST_FRAMES, PLACES
from realtime.engines.valle.device_choice import Run
from realtime.engines.valle.load_networks import built, vocoder
from realtime.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from realtime.engines.valle.networks.cached_attention import CachedAttention
    from realtime.engines.valle.networks.checkpoint import ValleNetwork
    from realtime.engines.valle.networks.parallel import FineInputs
    from realtime.engines.valle.networks.vocos import Vocos

State = Mapping[str, "Tensor"]

# Few, as each is compiled and tried before anybody is heard.
SPANS = (512, 1024, 1536, PLACES)  # places of a slot that a step looks at
LENGTHS = (256, 512, 768, 1024, 1536, 2048, PLACES)  # of a piece in a pass
FRAMES = (150, 600, MOST_FRAMES)  # of a piece in the vocoder


class PlainBatch:
    """A network as torch runs it, with weights in some precision."""

    def __init__(self, module: nn.Module, device: str, precision: str) -> None:
        self.module = module.to(device, dtype_of(precision)).eval().requires_grad_(False)

    def __call__(self, *inputs: Tensor) -> Any:
        import torch

        with torch.no_grad():
            return self.module(*inputs)


class ValleModel:
    """The step, the pass and the vocoder of one run, and what they are given."""

    def __init__(self, valle: State, vocos: State, run: Run, settings: Settings) -> None:
        import torch

        from realtime.acceleration.network import disable_tf32

        disable_tf32()
        # Each line's beginning has a length of its own, for which cuDNN would make a plan anew.
        torch.backends.cuda.enable_cudnn_sdp(False)
        self.run = run
        self.quick: list[Accelerated] = []
        self._check: Callable[[], None] = _go_on
        self.spans = (PLACES,) if settings.valle.reproducible else SPANS
        self._policy = Policy.of(settings, when_idle=False)
        network = built(valle)
        self.inputs = _inputs(network, run)
        # One number each, where it is needed: to bring one over would be to wait.
        self._counts = torch.arange(PLACES + 1, device=run.device)
        self.slots = self._slots(network, settings)
        self._pass = self._fine(network)
        self._vocoder = self._sound(vocoder(vocos))

    def prepare(
        self,
        spans: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
        frames: Sequence[int] | None = None,
    ) -> None:
        """Make ready what is compiled or recorded, before anybody waits for it.

        Where sizes are named, those alone; others are made when they are first needed.
        """
        spans = self.spans if spans is None else spans
        wanted: tuple[list[Sizes], ...] = (
            [(batch, span) for batch in self.run.batches for span in spans],
            [(length,) for length in (LENGTHS if lengths is None else lengths)],
            [(count,) for count in (FRAMES if frames is None else frames)],
        )
        for network, buckets in zip(self.quick, wanted, strict=False):
            network.prepare(buckets)

    @contextmanager
    def interrupted_by(self, check: Callable[[], None]) -> Iterator[None]:
        """What runs plainly asks between its layers whether to go on; a pass may take long."""
        self._check = check
        try:
            yield
        finally:
            self._check = _go_on

    def refine(self, x: Tensor, stage: int) -> Tensor:
        """The codes of one stage for every place of a piece."""
        import torch

        length = len(x)
        if self.quick:
            room = next(size for size in LENGTHS if size >= length)
            x = torch.nn.functional.pad(x, (0, 0, 0, room - length))
        counts = self._counts
        with _leased(self._pass, x[None], counts[length, None], counts[stage, None]) as (found, _):
            kept: Tensor = found[0, :length].clone()
        return kept

    def sound(self, codes: Tensor) -> Tensor:
        """(frames, 8) of codes as samples, 320 a frame."""
        import torch

        frames = len(codes)
        given = codes.T[None]
        if self.quick:
            room = next(size for size in FRAMES if size >= frames)
            given = torch.nn.functional.pad(given, (0, room - frames))
        found: Tensor = self._vocoder(given, self._counts[frames, None])
        return found[0, : HOP * frames]

    def _slots(self, network: ValleNetwork, settings: Settings) -> Batch:
        from realtime.engines.valle.networks.autoregressive import CACHE, Coarse, Sampling
        from realtime.engines.valle.networks.cached_attention import masked

        run, said = self.run, settings.valle.sampling
        sampling = Sampling(said.temperature, said.top_k, said.top_p)
        made = partial(Coarse, network, slots=run.slots, places=PLACES, sampling=sampling)
        heard = _heard(network, run)
        coarse = made(heard=heard)
        if heard is not masked:
            self.spans = (PLACES,)  # each line reads what it has of it, and no more
        spans = self.spans
        step = self._form(
            coarse,
            coarse.cases((run.batches[-1], spans[-1]))[0],
            (Axis(run.batches, {0: 0, 1: 0}, {0: 0, 1: 0}), Axis(spans, {2: 0})),
            CACHE,
            run.precision,
            truth=None if heard is masked else made(),
        )
        working = step.module  # another than was given, in a shorter precision
        assert isinstance(working, Coarse)
        return Batch(
            working,
            partial(_leased, step),
            batches=run.batches,
            spans=spans,
            scored=said.best_of > 1,
            ahead=run.device == "cuda",
        )

    def _fine(self, network: ValleNetwork) -> Form:
        from realtime.engines.valle.networks.parallel import Fine

        fine = Fine(network)
        axes = (Axis(LENGTHS, {0: 1}, {0: 1, 1: 1}),)
        return self._form(fine, fine.cases(LENGTHS[:1])[0], axes, (), self.run.precision)

    def _sound(self, vocos: Vocos) -> Form:
        axes = (Axis(FRAMES, {0: 2}, {0: 1}, HOP),)
        return self._form(vocos, vocos.cases(FRAMES[:1])[0], axes, (), "fp32")

    def _form(
        self,
        module: nn.Module,
        example: tuple[Tensor, ...],
        axes: Sequence[Axis],
        state: Sequence[str],
        precision: str,
        truth: nn.Module | None = None,
    ) -> Form:
        from realtime.engines.valle.networks.transformer import Layer

        run = self.run
        if run.plan == "eager":
            for part in module.modules():
                if isinstance(part, Layer):
                    part.register_forward_pre_hook(lambda *_: self._check())
            return PlainBatch(module, run.device, precision)
        quick = accelerate(
            module,
            inputs=example,
            plan=run.plan,
            precision=precision,
            device=run.device,
            axes=axes,
            state=state,
            truth=truth,
            policy=self._policy,
            name=f"valle {type(module).__name__.lower()}",
        )
        self.quick.append(quick)
        return quick


Form = PlainBatch | Accelerated


@contextmanager
def _leased(form: Form, *inputs: Tensor) -> Iterator[Any]:
    """What a form gives, where it lies until the end of the block."""
    if isinstance(form, PlainBatch):
        yield form(*inputs)
        return
    with form.lease(*inputs) as lent:
        yield lent.outputs


def _go_on() -> None:
    """Nobody asks."""


def _heard(network: ValleNetwork, run: Run) -> CachedAttention:
    """How the steps hear their cache on this device."""
    import torch

    from realtime.engines.valle.networks.cached_attention import quickest

    shape = network.shape
    size = shape.width // shape.heads
    return quickest(torch.device(run.device), dtype_of(run.precision), shape.heads, size)


def _inputs(network: ValleNetwork, run: Run) -> FineInputs:
    """The tables of the passes in full precision; what runs beside them may be shortened."""
    from realtime.engines.valle.networks.parallel import FineInputs

    inputs = FineInputs(network, PLACES)
    if (run.device, run.precision) != ("cpu", "fp32"):
        inputs = copy.deepcopy(inputs)
    return inputs.to(run.device)
