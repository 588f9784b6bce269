"""GPT-SoVITS's text-to-semantic network, with the parameter names of its checkpoints.

`SemanticDecoder` borrows its parts and runs them step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.engines.gpt_sovits.codes import CODES
from realtime.networks.transformer import Attend, Attention, Embedding, Fp32Linear, PositionScale

BERT_WIDTH = 1024  # of the features of Chinese text
PREFIX = "model."  # of every name in a checkpoint


@dataclass(frozen=True)
class SemanticShape:
    """The sizes of the network; the published ones are the defaults."""

    phones: int = 732
    width: int = 512
    heads: int = 16
    layers: int = 24

    @staticmethod
    def of(state: Mapping[str, Tensor], heads: int) -> SemanticShape:
        """Read the sizes from the tensors; no tensor shows the count of heads."""
        phones, width = state["ar_text_embedding.word_embeddings.weight"].shape
        layers = {name.split(".")[2] for name in state if name.startswith("h.layers.")}
        return SemanticShape(phones, width, heads, len(layers))


class Norm(KeepFp32, nn.LayerNorm):
    """A layer norm that stays in fp32."""


class SemanticLayer(nn.Module):
    """Attention and two linear layers, each with a residual around it and a norm after it.

    What goes from layer to layer stays in fp32, whatever the layers compute in.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)
        self.norm1 = Norm(width)
        self.norm2 = Norm(width)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        dtype = self.linear1.weight.dtype
        x = self.norm1(x + self.self_attn(x.to(dtype), attend))
        widened = functional.relu(self.linear1(x.to(dtype)))
        output: Tensor = self.norm2(x + self.linear2(widened))
        return output


class SemanticLayers(nn.Module):
    """The layers of the network; there is no norm after the last."""

    def __init__(self, shape: SemanticShape) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [SemanticLayer(shape.width, shape.heads) for _ in range(shape.layers)]
        )


class TextToSemantic(nn.Module):
    """The network: from phones, features of Chinese text and codes so far to the next code."""

    def __init__(self, shape: SemanticShape = SemanticShape()) -> None:
        super().__init__()
        self.shape = shape
        self.bert_proj = Fp32Linear(BERT_WIDTH, shape.width)
        self.ar_text_embedding = Embedding(shape.phones, shape.width)
        self.ar_text_position = PositionScale()
        self.ar_audio_embedding = Embedding(CODES + 1, shape.width)
        self.ar_audio_position = PositionScale()
        self.h = SemanticLayers(shape)
        self.ar_predict_layer = Fp32Linear(shape.width, CODES + 1, bias=False)

    @staticmethod
    def loaded(weight: Mapping[str, Tensor], heads: int) -> TextToSemantic:
        """Build the network of a checkpoint's tensors; a missing or unknown one is an error."""
        state = {name.removeprefix(PREFIX): value.float() for name, value in weight.items()}
        network = TextToSemantic(SemanticShape.of(state, heads))
        network.load_state_dict(state)
        return network.eval()
