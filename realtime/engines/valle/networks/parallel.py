"""VALL-E X's parallel model: the other seven codebooks, a whole piece in one pass each.

Several pieces may go side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.engines.valle.codes import LEVELS
from realtime.engines.valle.networks.checkpoint import STAGES, ValleNetwork
from realtime.networks.transformer import sinusoids

INVALID = -1  # the code of a place whose logits hold NaN or infinity


class ParallelModel(nn.Module):
    """The pass: `forward` gives the codes of one level for every place of every piece.

    `x` is (pieces, length, width) as `ParallelInputs` makes it, `lengths` (pieces,) how much of
    each is filled, `stage` (1,) which of the seven passes this is. `forward` gives the codes, and
    the logits that they follow from.
    """

    def __init__(self, model: ValleNetwork) -> None:
        super().__init__()
        self.decoder = model.nar_decoder
        self.tables = StageTables(model)

    def forward(self, x: Tensor, lengths: Tensor, stage: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        seen = seen[:, None, None]
        stage_vector, predict_weight = self.tables(stage)
        x = x.float()

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

        for layer in self.decoder.layers:
            x = layer(x, attend, stage_vector)
        logits = functional.linear(self.decoder.norm(x, stage_vector), predict_weight)
        return likeliest_codes(logits), logits

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Return inputs for trials at one length, of which all, half or a third is filled."""
        (size,) = sizes
        generator = torch.Generator().manual_seed(size)
        x = torch.randn(1, size, self.tables.stage_vectors.shape[-1], generator=generator)
        filled = [size // (1 + stage % 3) for stage in range(STAGES)]
        return [
            (x, torch.tensor([filled[stage]]), torch.tensor([stage])) for stage in range(STAGES)
        ]

    def judged(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return what is compared of outputs in 16 bits: whether each code is the likeliest."""
        codes, logits = outputs
        return (codes == likeliest_codes(logits)).to(codes.dtype), logits


class StageTables(KeepFp32):
    """The vector and the prediction weight of every stage, stacked in the order of the stages."""

    stage_vectors: Tensor
    predict_weights: Tensor

    def __init__(self, model: ValleNetwork) -> None:
        super().__init__()
        vectors = _stack(model.nar_stage_embeddings, "word_embeddings.weight")
        self.register_buffer("stage_vectors", vectors, persistent=False)
        weights = _stack(model.nar_predict_layers, "weight")
        self.register_buffer("predict_weights", weights, persistent=False)

    def forward(self, stage: Tensor) -> tuple[Tensor, Tensor]:
        vector = self.stage_vectors.index_select(0, stage)[0]
        return vector, self.predict_weights.index_select(0, stage)[0]


class ParallelInputs(nn.Module):
    """The input of the passes: text, the prompt in all levels, and the levels made so far."""

    positions: Tensor

    def __init__(self, model: ValleNetwork, places: int) -> None:
        super().__init__()
        self.text_embedding = model.nar_text_embedding
        self.language_embedding = model.nar_language_embedding
        self.audio_embeddings = model.nar_audio_embeddings
        self.text_position = model.nar_text_position
        self.audio_position = model.nar_audio_position
        self.register_buffer("positions", sinusoids(places, model.shape.width), persistent=False)

    def forward(self, text: Tensor, languages: Tensor, prompt: Tensor, first: Tensor) -> Tensor:
        """Return (length, width) of one piece before its first pass.

        `prompt` is (frames, 8), `first` the codes of the first level.
        """
        text_part = self.text_embedding(text) + self.language_embedding(languages)
        text_part = text_part + self.text_position.alpha * self.positions[: len(text)]
        audio = self.audio_embeddings[0](torch.cat([prompt[:, 0], first]))
        for level in range(1, LEVELS):
            audio[: len(prompt)] += self.audio_embeddings[level](prompt[:, level])
        audio = audio + self.audio_position.alpha * self.positions[: len(audio)]
        return torch.cat([text_part, audio])

    def add(self, x: Tensor, level: int, codes: Tensor) -> None:
        """Add a new level's codes to the end of a piece's input, in place.

        The last level is left out: no pass comes after it.
        """
        if level == LEVELS - 1:
            return
        # INVALID has no row in the table; the caller finds it when the last pass is over.
        x[len(x) - len(codes) :] += self.audio_embeddings[level](codes.clamp(min=0))


def likeliest_codes(logits: Tensor) -> Tensor:
    """Return the likeliest code of each place; INVALID where the largest logit is not finite."""
    return torch.where(logits.amax(-1).isfinite(), logits.argmax(-1), INVALID)


def _stack(modules: nn.Module, name: str) -> Tensor:
    return torch.stack([module.get_parameter(name) for module in modules.children()]).detach()
