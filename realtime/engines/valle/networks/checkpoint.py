"""VALL-E X's weights under the names of the public checkpoint; `coarse` and `fine` run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.engines.valle.networks.transformer import Decoder, LongLinear, PlainNorm, StageNorm

SYMBOLS = 2048  # rows of the text's table; 70 are in use
CODES = 1024  # of each codebook
END = 1024  # the code that ends a line
BEGIN = 1025  # the code before the first
LEVELS = 8  # codebooks
STAGES = LEVELS - 1  # the first level is spoken code by code, the others at once
LANGUAGES = ("en", "zh", "ja")  # by their number in the language tables
HEADS = 16


@dataclass(frozen=True)
class ValleShape:
    """The published sizes."""

    width: int = 1024
    heads: int = HEADS
    layers: int = 12


class Embedding(KeepFp32):
    """A table of vectors, of which few are read at a time."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(count, width)

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.word_embeddings(ids)
        return found


class Position(KeepFp32):
    """How strongly places are told."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))


class ValleNetwork(nn.Module):
    """All of the model; what runs of it borrows its parts."""

    def __init__(self, shape: ValleShape = ValleShape()) -> None:
        super().__init__()
        self.shape = shape
        width, heads, layers = shape.width, shape.heads, shape.layers
        self.ar_text_embedding = Embedding(SYMBOLS, width)
        self.nar_text_embedding = Embedding(SYMBOLS, width)
        self.ar_audio_embedding = Embedding(CODES + 2, width)
        self.ar_text_position = Position()
        self.ar_audio_position = Position()
        self.ar_decoder = Decoder(width, heads, layers, PlainNorm)
        self.ar_predict_layer = LongLinear(width, CODES + 1, bias=False)
        self.nar_audio_embeddings = nn.ModuleList(
            [Embedding(CODES + (level == 0), width) for level in range(LEVELS)]
        )
        self.nar_text_position = Position()
        self.nar_audio_position = Position()
        self.nar_decoder = Decoder(width, heads, layers, StageNorm)
        self.nar_predict_layers = nn.ModuleList(
            [LongLinear(width, CODES, bias=False) for _ in range(STAGES)]
        )
        self.nar_stage_embeddings = nn.ModuleList([Embedding(1, width) for _ in range(STAGES)])
        self.ar_language_embedding = Embedding(len(LANGUAGES), width)
        self.nar_language_embedding = Embedding(len(LANGUAGES), width)
        self._tie()

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor], heads: int = HEADS) -> ValleNetwork:
        """A model that uses the given tensors themselves; every name must be there, none over."""
        with torch.device("meta"):
            model = cls(shape_of(state, heads))
        model.load_state_dict(state, strict=True, assign=True)
        model._tie()
        return model.eval().requires_grad_(False)

    def _tie(self) -> None:
        """Each stage but the last is read with the table that the next one is written in."""
        for stage in range(STAGES - 1):
            embedding = self.nar_audio_embeddings[stage + 2]
            table = embedding.get_parameter("word_embeddings.weight")
            self.nar_predict_layers[stage].register_parameter("weight", table)


def shape_of(state: Mapping[str, Tensor], heads: int = HEADS) -> ValleShape:
    """The sizes that a checkpoint's tensors have."""
    width = state["ar_predict_layer.weight"].shape[1]
    layers = {name.split(".")[2] for name in state if name.startswith("ar_decoder.layers.")}
    return ValleShape(width, heads, len(layers))
