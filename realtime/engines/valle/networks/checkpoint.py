"""The whole VALL-E X network, with the parameter names of the public checkpoint.

`AutoregressiveModel` and `ParallelModel` borrow its parts and run them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realtime.engines.valle.codes import CODES, LEVELS
from realtime.engines.valle.networks.transformer import Decoder, PlainNorm, StageNorm
from realtime.networks.transformer import Embedding, Fp32Linear, PositionScale

SYMBOLS = 2048  # rows of the text's table; 70 are in use
STAGES = LEVELS - 1  # passes of the parallel model: every level but the first
LANGUAGES = ("en", "zh", "ja")  # by their number in the language tables
HEADS = 16  # no tensor's shape shows them


@dataclass(frozen=True)
class ValleShape:
    """The sizes of the network; the published ones are the defaults."""

    width: int = 1024
    heads: int = HEADS
    layers: int = 12


class ValleNetwork(nn.Module):
    """The network of VALL-E X: `ar_` is the autoregressive model, `nar_` the parallel one."""

    def __init__(self, shape: ValleShape = ValleShape()) -> None:
        super().__init__()
        self.shape = shape
        width, heads, layers = shape.width, shape.heads, shape.layers
        self.ar_text_embedding = Embedding(SYMBOLS, width)
        self.nar_text_embedding = Embedding(SYMBOLS, width)
        self.ar_audio_embedding = Embedding(CODES + 2, width)  # END and BEGIN too
        self.ar_text_position = PositionScale()
        self.ar_audio_position = PositionScale()
        self.ar_decoder = Decoder(width, heads, layers, PlainNorm)
        self.ar_predict_layer = Fp32Linear(width, CODES + 1, bias=False)  # END too
        # The first level's table has a row for END, which is never read here.
        counts = [CODES + 1, *[CODES] * (LEVELS - 1)]
        self.nar_audio_embeddings = nn.ModuleList([Embedding(count, width) for count in counts])
        self.nar_text_position = PositionScale()
        self.nar_audio_position = PositionScale()
        self.nar_decoder = Decoder(width, heads, layers, StageNorm)
        self.nar_predict_layers = nn.ModuleList(
            [Fp32Linear(width, CODES, bias=False) for _ in range(STAGES)]
        )
        self.nar_stage_embeddings = nn.ModuleList([Embedding(1, width) for _ in range(STAGES)])
        self.ar_language_embedding = Embedding(len(LANGUAGES), width)
        self.nar_language_embedding = Embedding(len(LANGUAGES), width)
        self._tie()

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor], heads: int = HEADS) -> ValleNetwork:
        """Make a network that uses the given tensors themselves, without a copy.

        A name that is missing or not in the network is a RuntimeError.
        """
        with torch.device("meta"):
            model = cls(shape_of(state, heads))
        model.load_state_dict(state, strict=True, assign=True)
        model._tie()  # `assign` replaced the shared parameters
        return model.eval().requires_grad_(False)

    def _tie(self) -> None:
        """Share the weight of each stage but the last with the next stage's embedding table.

        Stage n predicts level n + 1 with the table of level n + 2, as the published model does.
        """
        for stage in range(STAGES - 1):
            embedding = self.nar_audio_embeddings[stage + 2]
            table = embedding.get_parameter("word_embeddings.weight")
            self.nar_predict_layers[stage].register_parameter("weight", table)


def shape_of(state: Mapping[str, Tensor], heads: int = HEADS) -> ValleShape:
    """Return the sizes that a checkpoint's tensors have."""
    width = state["ar_predict_layer.weight"].shape[1]
    layers = {name.split(".")[2] for name in state if name.startswith("ar_decoder.layers.")}
    return ValleShape(width, heads, len(layers))
