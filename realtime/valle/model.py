"""VALL-E X and its vocoder on one device, each part in the form in which it runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration import Accelerated, Axis, Policy, accelerate
from realtime.settings import Settings
from realtime.valle.budget import HOP, LEVELS, MOST_FRAMES, PLACES
from realtime.valle.hardware import Run
from realtime.valle.networks import built, vocoder
from realtime.valle.slots import Slots

if TYPE_CHECKING:
    from torch import Tensor, nn

    from realtime.networks.fine import FineInputs
    from realtime.networks.valle import Valle
    from realtime.networks.vocos import Vocos

State = Mapping[str, "Tensor"]

SPANS = (256, 512, 768, 1024, 1536, 2048, PLACES)  # places of a slot that a step looks at
LENGTHS = (*range(128, 1025, 128), *range(1280, PLACES + 1, 256))  # of a piece in a pass
FRAMES = (75, 150, 300, 600, 1200, MOST_FRAMES)  # of a piece in the vocoder


class Plain:
    """A network as torch runs it, with floats in the precision of its weights."""

    def __init__(self, module: nn.Module, device: str, precision: str) -> None:
        import torch

        kinds = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
        self.module = module.to(device, kinds[precision]).eval().requires_grad_(False)

    def __call__(self, *inputs: Tensor) -> Any:
        import torch

        weight = next(self.module.parameters())
        with torch.no_grad():
            return self.module(
                *(x.to(weight.device, weight.dtype) if x.is_floating_point() else x for x in inputs)
            )


class Model:
    """The step, the pass and the vocoder of one run, and what they are given."""

    def __init__(self, valle: State, vocos: State, run: Run, settings: Settings) -> None:
        from realtime.acceleration.network import exact_floats

        exact_floats()
        self.run = run
        self.quick: list[Accelerated] = []
        self._check: Callable[[], None] = _go_on
        self._policy = Policy.of(settings, when_idle=False)
        network = built(valle)
        self.inputs = _inputs(network, run)
        self.slots = self._slots(network, settings)
        self._pass = self._fine(network)
        self._vocoder = self._sound(vocoder(vocos))

    def prepare(self) -> None:
        """Make ready what is compiled or recorded, before anybody waits for it."""
        for network in self.quick:
            network.prepare()

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
        lengths = torch.tensor([length], device=x.device)
        found: Tensor = self._pass(x[None], lengths, torch.tensor([stage], device=x.device))
        return found[0, :length]

    def sound(self, codes: Tensor) -> Tensor:
        """(frames, 8) of codes as samples, 320 a frame."""
        import torch

        frames = len(codes)
        given = codes.T[None]
        if self.quick:
            room = next(size for size in FRAMES if size >= frames)
            given = torch.nn.functional.pad(given, (0, room - frames))
        lengths = torch.tensor([frames], device=codes.device)
        found: Tensor = self._vocoder(given, lengths)
        return found[0, : HOP * frames]

    def _slots(self, network: Valle, settings: Settings) -> Slots:
        import torch

        from realtime.networks.coarse import Coarse, Sampling

        run, said = self.run, settings.valle.sampling
        sampling = Sampling(said.temperature, said.top_k, said.top_p)
        coarse = Coarse(network, slots=run.slots, places=PLACES, sampling=sampling)
        spans = (PLACES,) if settings.valle.reproducible else SPANS
        state = torch.zeros(run.batches[-1], 3, dtype=torch.long)
        step = self._form(
            coarse,
            (state, state[:, 0].clone(), torch.arange(spans[-1])),
            (Axis(run.batches, {0: 0, 1: 0}, {0: 0, 1: 0}), Axis(spans, {2: 0})),
            ("keys", "values"),
            run.precision,
        )
        working = step.module  # another than was given, in a shorter precision
        assert isinstance(working, Coarse)
        return Slots(working, step, batches=run.batches, spans=spans, scored=said.best_of > 1)

    def _fine(self, network: Valle) -> Form:
        import torch

        from realtime.networks.fine import Fine

        example = (
            torch.zeros(1, LENGTHS[0], network.shape.width),
            torch.tensor([LENGTHS[0]]),
            torch.tensor([0]),
        )
        axes = (Axis(LENGTHS, {0: 1}, {0: 1}),)
        return self._form(Fine(network), example, axes, (), self.run.precision)

    def _sound(self, vocos: Vocos) -> Form:
        import torch

        example = (torch.zeros(1, LEVELS, FRAMES[0], dtype=torch.long), torch.tensor([FRAMES[0]]))
        axes = (Axis(FRAMES, {0: 2}, {0: 1}, HOP),)
        return self._form(vocos, example, axes, (), "fp32")

    def _form(
        self,
        module: nn.Module,
        example: tuple[Tensor, ...],
        axes: Sequence[Axis],
        state: Sequence[str],
        precision: str,
    ) -> Form:
        from realtime.networks.transformer import Layer

        run = self.run
        if run.plan == "eager":
            for part in module.modules():
                if isinstance(part, Layer):
                    part.register_forward_pre_hook(lambda *_: self._check())
            return Plain(module, run.device, precision)
        quick = accelerate(
            module,
            inputs=example,
            plan=run.plan,
            precision=precision,
            device=run.device,
            axes=axes,
            state=state,
            policy=self._policy,
            name=f"valle {type(module).__name__.lower()}",
        )
        self.quick.append(quick)
        return quick


Form = Plain | Accelerated


def _go_on() -> None:
    """Nobody asks."""


def _inputs(network: Valle, run: Run) -> FineInputs:
    """The tables of the passes in full precision; what runs beside them may be shortened."""
    from realtime.networks.fine import FineInputs

    inputs = FineInputs(network, PLACES)
    if (run.device, run.precision) != ("cpu", "fp32"):
        inputs = copy.deepcopy(inputs)
    return inputs.to(run.device)
