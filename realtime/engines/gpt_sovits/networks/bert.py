"""BERT: features of Chinese characters, up to the layer whose output is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_WIDTH = 64  # of the published networks; no tensor shows it
EPSILON = 1e-12
UNUSED_LAYERS = 2  # the last ones: features are those of the third layer from the end
PREFIX = "bert."
# What training has besides: a head that guesses hidden characters, and a summary of the text.
UNUSED = ("cls.", "pooler.", "embeddings.position_ids")
OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


@dataclass(frozen=True)
class BertShape:
    """The sizes of the network; the published large ones are the defaults."""

    width: int = 1024
    heads: int = 16
    layers: int = 22  # that are computed
    inner: int = 4096  # width between the two linear layers
    characters: int = 21_128
    places: int = 512
    kinds: int = 2  # of sentences; only the first is used


class BertEmbeddings(nn.Module):
    """The vector of each character at its place."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.characters, shape.width)
        self.position_embeddings = nn.Embedding(shape.places, shape.width)
        self.token_type_embeddings = nn.Embedding(shape.kinds, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, EPSILON)

    def forward(self, ids: Tensor) -> Tensor:
        places = self.position_embeddings.weight[: ids.shape[1]]
        kind = self.token_type_embeddings.weight[0]
        output: Tensor = self.LayerNorm(self.word_embeddings(ids) + kind + places)
        return output


class Output(nn.Module):
    """A linear layer, what came before added, and a norm."""

    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, EPSILON)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        output: Tensor = self.LayerNorm(self.dense(x) + before)
        return output


class SelfAttention(nn.Module):
    """Attention of all characters to all others."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class BertLayer(nn.Module):
    """Attention and two linear layers, with a norm after each of the two parts."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        width = shape.width
        self.attention = nn.ModuleDict(
            {"self": SelfAttention(width, shape.heads), "output": Output(width, width)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, shape.inner)})
        self.output = Output(shape.inner, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention["output"](self.attention["self"](x), x)
        output: Tensor = self.output(functional.gelu(self.intermediate["dense"](x)), x)
        return output


class Bert(nn.Module):
    """The network, with the parameter names of its published files."""

    def __init__(self, shape: BertShape = BertShape()) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = BertEmbeddings(shape)
        layers = nn.ModuleList([BertLayer(shape) for _ in range(shape.layers)])
        self.encoder = nn.ModuleDict({"layer": layers})

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor], heads: int | None = None) -> Bert:
        """Build the network of a file's tensors; one that is missing or unknown is an error."""
        plain = _used({_own_name(name): value.float() for name, value in state.items()})
        with torch.device("meta"):
            network = cls(shape_of(plain, heads))
        network.load_state_dict(plain, assign=True)
        return network.eval().requires_grad_(False)

    def forward(self, ids: Tensor) -> Tensor:
        """Turn numbers of characters (batch, length) into features (batch, length, width)."""
        x: Tensor = self.embeddings(ids)
        for layer in self.encoder["layer"].children():
            x = layer(x)
        return x


def phone_features(hidden: Tensor, phones_each: Tensor) -> Tensor:
    """Turn features (length, width) of a text with its two marks into (width, phones).

    `phones_each` says how many phones each character has; the marks at both ends have none.
    """
    characters = hidden[1:-1]
    if len(characters) != len(phones_each):
        raise ValueError(f"{len(characters)} characters, and phones of {len(phones_each)}")
    return characters.repeat_interleave(phones_each.to(hidden.device), dim=0).T


def shape_of(state: Mapping[str, Tensor], heads: int | None = None) -> BertShape:
    """Read the sizes from the tensors."""
    characters, width = state["embeddings.word_embeddings.weight"].shape
    return BertShape(
        width,
        heads or width // HEAD_WIDTH,
        1 + max(_layer(name) for name in state),
        state["encoder.layer.0.intermediate.dense.weight"].shape[0],
        characters,
        len(state["embeddings.position_embeddings.weight"]),
        len(state["embeddings.token_type_embeddings.weight"]),
    )


def _own_name(name: str) -> str:
    name = name.removeprefix(PREFIX)
    for old, new in OLD_NAMES.items():
        if name.endswith(old):
            name = name.removesuffix(old) + new
    return name


def _used(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what the features do not need, so that what else is left over is an error."""
    last = max(map(_layer, state), default=-1) - UNUSED_LAYERS
    return {
        name: value
        for name, value in state.items()
        if not name.startswith(UNUSED) and _layer(name) <= last
    }


def _layer(name: str) -> int:
    """Return the number of the layer that a tensor is of; -1 for those before the layers."""
    parts = name.split(".")
    return int(parts[2]) if parts[:2] == ["encoder", "layer"] else -1
