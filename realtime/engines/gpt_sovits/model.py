"""A pair of files on one device: the steps with their batch of lines, and the way to sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from realtime.acceleration import Accelerated, Axis, Policy
from realtime.acceleration.shapes import Sizes
from realtime.acceleration.torch_modes import dtype_of
from realtime.engines.decoding.batch import Batch
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.runner import make_runner, run_network
from realtime.engines.gpt_sovits.codes import CODES
from realtime.engines.gpt_sovits.sampling import Sampling
from realtime.engines.gpt_sovits.sounding import make_sounding
from realtime.engines.gpt_sovits.voice_files import VoiceFiles
from realtime.engines.torch_file import named_faults
from realtime.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.gpt_sovits.networks.semantic_decoder import SemanticDecoder
    from realtime.engines.gpt_sovits.networks.text_to_semantic import TextToSemantic
    from realtime.networks.cached_attention import CachedAttention

PLACES = 2048  # of a slot: phones and codes of the prompt and of the sentence
SPANS = (512, 1024, 1536, PLACES)  # to which the places that a step reads are padded
# The name of the accelerated network. It stands in metrics, and where a size cannot run as planned
# in the engine's version, which is part of a recording's key: it must not change.
STEP = "gpt_sovits step"


@dataclass(frozen=True, eq=False)
class SemanticPrompt:
    """The start from which codes go on: the phones of prompt and sentence, and the codes."""

    phones: Sequence[int]
    features: Tensor  # (phones, 1024), zero but for Chinese
    codes: Sequence[int]
    sampling: Sampling

    @property
    def first_state(self) -> tuple[int, int, int]:
        from realtime.engines.gpt_sovits.networks.semantic_decoder import first_state

        return first_state(len(self.phones), list(self.codes))


class GptSovitsModel:
    """The networks of a pair: `batch` makes codes, `sounding` makes sound of them."""

    def __init__(self, files: VoiceFiles, run: RunConfig, settings: Settings) -> None:
        import torch

        from realtime.acceleration.network import disable_tf32
        from realtime.engines.gpt_sovits.networks.text_to_semantic import TextToSemantic

        disable_tf32()
        # Each prefill has a length of its own, and cuDNN would make a new plan for every length.
        torch.backends.cuda.enable_cudnn_sdp(False)
        self.run = run
        self.version = files.version
        self.spans: tuple[int, ...] = SPANS
        self._steps: list[Accelerated] = []
        with named_faults(files.gpt.path):
            heads = int(files.gpt.config["model"]["head"])
            network = TextToSemantic.loaded(files.gpt.state, heads)
        self.batch = self._make_batch(network, Policy.of(settings, when_idle=False))
        with named_faults(files.sovits.path):
            self.sounding = make_sounding(files, run, settings)

    def prepare(self) -> None:
        """Compile or record every size of a step before anybody waits for it."""
        sizes: list[Sizes] = [(n, span) for n in self.run.batch_sizes for span in self.spans]
        for network in self._steps:
            network.prepare(sizes)
        self.sounding.prepare()

    @property
    def accelerated(self) -> tuple[Accelerated, ...]:
        return (*self._steps, *self.sounding.accelerated)

    def close(self) -> None:
        """Give back what the networks hold."""
        for network in self._steps:
            network.close()
        self.sounding.close()

    def _make_batch(self, network: TextToSemantic, policy: Policy) -> Batch[SemanticPrompt]:
        from realtime.engines.gpt_sovits.networks.semantic_decoder import STATE, SemanticDecoder
        from realtime.networks.cached_attention import masked_attention

        run = self.run
        make = partial(SemanticDecoder, network, slots=run.slots, places=PLACES)
        attention = _choose_attention(network, run)
        model = make(attention=attention)
        if attention is not masked_attention:
            self.spans = (PLACES,)  # the kernels read of each line what it has, whatever the span
        step = make_runner(
            model,
            STEP,
            model.cases((run.batch_sizes[-1], self.spans[-1]))[0],
            (Axis(run.batch_sizes, {0: 0, 1: 0}, {0: 0, 1: 0}), Axis(self.spans, {2: 0})),
            STATE,
            run,
            policy,
            truth=None if attention is masked_attention else make(),
        )
        if isinstance(step, Accelerated):
            self._steps.append(step)
        working = step.module  # may be a copy of `model` in a shorter precision
        assert isinstance(working, SemanticDecoder)
        return Batch(
            working,
            partial(_prefill, working),
            partial(run_network, step),
            batch_sizes=run.batch_sizes,
            spans=self.spans,
            draw_width=CODES + 1,
            ahead=run.kind == "cuda",
        )


def _prefill(model: SemanticDecoder, slot: int, prompt: SemanticPrompt) -> None:
    """Write a sentence's prompt into its slot."""
    import torch

    phones, codes = (
        torch.tensor(list(numbers), dtype=torch.long, device=model.device)
        for numbers in (prompt.phones, prompt.codes)
    )
    model.prefill(slot, phones, prompt.features.to(model.device), codes, prompt.sampling)


def _choose_attention(network: TextToSemantic, run: RunConfig) -> CachedAttention:
    """Return the attention of the steps on this device."""
    import torch

    from realtime.networks.cached_attention import choose_attention

    shape = network.shape
    size = shape.width // shape.heads
    return choose_attention(torch.device(run.device), dtype_of(run.precision), shape.heads, size)
