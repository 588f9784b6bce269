"""VALL-E X's other seven codebooks, each at once for a whole piece, several pieces side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.engines.valle.networks.checkpoint import LEVELS, STAGES, ValleNetwork
from realtime.engines.valle.networks.transformer import sinusoids

BROKEN = -1  # where there is nothing to choose from: nobody may keep it


class Fine(nn.Module):
    """`forward` is one pass: what every place of every piece has in the level of one stage.

    `x` is (pieces, length, width) as `FineInputs` makes it, `lengths` (pieces,) how much of each
    is filled, `stage` (1,) which of the seven passes this is. It gives the codes, and the logits
    that they follow from.
    """

    def __init__(self, model: ValleNetwork) -> None:
        super().__init__()
        self.decoder = model.nar_decoder
        self.tables = Tables(model)

    def forward(self, x: Tensor, lengths: Tensor, stage: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        seen = seen[:, None, None]
        told, table = self.tables(stage)
        x = x.float()

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

        for layer in self.decoder.layers:
            x = layer(x, attend, told)
        logits = functional.linear(self.decoder.norm(x, told), table)
        return likeliest(logits), logits

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Inputs for trials in a room: every stage, with all of it filled, a half or a third."""
        (room,) = sizes
        random = torch.Generator().manual_seed(room)
        x = torch.randn(1, room, self.tables.told.shape[-1], generator=random)
        lengths = [room // (1 + stage % 3) for stage in range(STAGES)]
        stages = range(STAGES)
        return [(x, torch.tensor([lengths[n]]), torch.tensor([n])) for n in stages]

    def judged(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Outputs as a judge of shorter floats sees them: whether each code is the likeliest."""
        codes, logits = outputs
        return (codes == likeliest(logits)).to(codes.dtype), logits


class Tables(KeepFp32):
    """What a stage is told with and read with, one behind the other in the order of the stages."""

    told: Tensor
    read: Tensor

    def __init__(self, model: ValleNetwork) -> None:
        super().__init__()
        told = _stacked(model.nar_stage_embeddings, "word_embeddings.weight")
        self.register_buffer("told", told, persistent=False)
        read = _stacked(model.nar_predict_layers, "weight")
        self.register_buffer("read", read, persistent=False)

    def forward(self, stage: Tensor) -> tuple[Tensor, Tensor]:
        return self.told.index_select(0, stage)[0], self.read.index_select(0, stage)[0]


class FineInputs(nn.Module):
    """What the passes are given: text, the prompt in all levels, and the levels there are."""

    waves: Tensor

    def __init__(self, model: ValleNetwork, places: int) -> None:
        super().__init__()
        self.text_embedding = model.nar_text_embedding
        self.language_embedding = model.nar_language_embedding
        self.audio_embeddings = model.nar_audio_embeddings
        self.text_position = model.nar_text_position
        self.audio_position = model.nar_audio_position
        self.register_buffer("waves", sinusoids(places, model.shape.width), persistent=False)

    def forward(self, text: Tensor, languages: Tensor, prompt: Tensor, first: Tensor) -> Tensor:
        """(length, width) of one piece before its first pass; `prompt` is (frames, 8)."""
        spoken = self.text_embedding(text) + self.language_embedding(languages)
        spoken = spoken + self.text_position.alpha * self.waves[: len(text)]
        heard = self.audio_embeddings[0](torch.cat([prompt[:, 0], first]))
        for level in range(1, LEVELS):
            heard[: len(prompt)] += self.audio_embeddings[level](prompt[:, level])
        heard = heard + self.audio_position.alpha * self.waves[: len(heard)]
        return torch.cat([spoken, heard])

    def add(self, x: Tensor, level: int, codes: Tensor) -> None:
        """The end of a piece's input also has the codes of this level; nobody reads the last."""
        if level == LEVELS - 1:
            return
        x[len(x) - len(codes) :] += self.audio_embeddings[level](codes.clamp(min=0))


def likeliest(logits: Tensor) -> Tensor:
    """The code of each place; BROKEN where the logits are no numbers."""
    return torch.where(logits.amax(-1).isfinite(), logits.argmax(-1), BROKEN)


def _stacked(modules: nn.Module, name: str) -> Tensor:
    return torch.stack([module.get_parameter(name) for module in modules.children()]).detach()
