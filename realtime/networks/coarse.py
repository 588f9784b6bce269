"""VALL-E X's first codebook, code by code, for several lines at once over a static cache.

A line stands in a slot: its text and its codes so far lie there one behind the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.networks.transformer import sinusoids
from realtime.networks.valle import BEGIN, Valle

DRAW_BITS = 24  # what a float holds of a random number
DRAWS = 1 << DRAW_BITS


@dataclass(frozen=True)
class Sampling:
    """How a code is chosen; 0 and 1.0 are off."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


class Coarse(nn.Module):
    """`forward` is the step: one code for every line, with shapes that never change.

    `state` is (lines, 3): each line's last code, that code's position, and its place in the slot.
    `draws` is (lines,): a random number of 24 bits for each. `rows` counts the places that are
    looked at: 0, 1, 2 … up to beyond the last that any line has reached. It gives the next state
    and the logits. Line n stands in slot n.
    """

    keys: Tensor
    values: Tensor
    waves: Tensor

    def __init__(
        self,
        model: Valle,
        *,
        slots: int,
        places: int,
        sampling: Sampling = Sampling(),
    ) -> None:
        super().__init__()
        self.text_embedding = model.ar_text_embedding
        self.language_embedding = model.ar_language_embedding
        self.audio_embedding = model.ar_audio_embedding
        self.text_position = model.ar_text_position
        self.audio_position = model.ar_audio_position
        self.decoder = model.ar_decoder
        self.predict_layer = model.ar_predict_layer
        self.sampling = sampling
        width, heads, layers = model.shape.width, model.shape.heads, model.shape.layers
        cache = (layers, slots, heads, places, width // heads)
        self.register_buffer("keys", torch.zeros(cache), persistent=False)
        self.register_buffer("values", torch.zeros(cache), persistent=False)
        self.register_buffer("waves", sinusoids(places, width), persistent=False)

    def forward(self, state: Tensor, draws: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        codes, positions, places = state.unbind(1)
        lines = torch.arange(state.shape[0], device=state.device)
        seen = (rows <= places[:, None])[:, None, None]
        count, span = state.shape[0], rows.shape[0]
        x = self.audio_embedding(codes) + self.audio_position.alpha * self.waves[positions]
        x = x[:, None]
        for number, layer in enumerate(self.decoder.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, number: int = number) -> Tensor:
                keys, values = self.keys[number], self.values[number]
                keys[lines, :, places] = k[:, :, 0]
                values[lines, :, places] = v[:, :, 0]
                return functional.scaled_dot_product_attention(
                    q, keys[:count, :, :span], values[:count, :, :span], attn_mask=seen
                )

            x = layer(x, attend)
        logits = self.predict_layer(self.decoder.norm(x))[:, 0].float()
        chosen = choose(logits, draws, self.sampling)
        return torch.stack((chosen, positions + 1, places + 1), dim=1), logits

    def prefill(self, slot: int, text: Tensor, languages: Tensor, codes: Tensor) -> Tensor:
        """Put a line into a slot: its text, and the first level of its prompt; gives its state."""
        begun = torch.cat([codes.new_tensor([BEGIN]), codes])
        self._through(text, languages, begun[:-1], slot)
        return torch.stack(
            (begun[-1], begun.new_tensor(len(codes)), begun.new_tensor(len(text) + len(codes)))
        )

    def teach(self, text: Tensor, languages: Tensor, codes: Tensor) -> Tensor:
        """The logits after the beginning and after each code, computed at once without a cache."""
        begun = torch.cat([codes.new_tensor([BEGIN]), codes])
        x = self._through(text, languages, begun, None)
        logits: Tensor = self.predict_layer(self.decoder.norm(x[len(text) :])).float()
        return logits

    def move(self, source: int, target: int, places: int) -> None:
        """A line goes to another slot, with as many places as it has."""
        for cache in (self.keys, self.values):
            cache[:, target, :, :places] = cache[:, source, :, :places]

    def _through(self, text: Tensor, languages: Tensor, codes: Tensor, slot: int | None) -> Tensor:
        """Text that sees all text, and codes that see all text and the codes up to themselves."""
        spoken = self.text_embedding(text) + self.language_embedding(languages)
        spoken = spoken + self.text_position.alpha * self.waves[: len(text)]
        heard = self.audio_embedding(codes) + self.audio_position.alpha * self.waves[: len(codes)]
        x = torch.cat([spoken, heard])[None]
        length = x.shape[1]
        places = torch.arange(length, device=x.device)
        seen = (places < len(text)) | (places <= places[:, None])
        for number, layer in enumerate(self.decoder.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, number: int = number) -> Tensor:
                if slot is not None:
                    self.keys[number, slot, :, :length] = k[0]
                    self.values[number, slot, :, :length] = v[0]
                return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

            x = layer(x, attend)
        return x[0]


def choose(logits: Tensor, draws: Tensor, sampling: Sampling) -> Tensor:
    """A code for each line, by its random number; the same whatever the other lines are."""
    if sampling.top_k == 1 or sampling.temperature == 0:
        return logits.argmax(-1)
    total = narrowed(logits, sampling).softmax(-1).cumsum(-1)
    wanted = draws[:, None].float() / DRAWS * total[:, -1:]
    return (total <= wanted).sum(-1).clamp(max=logits.shape[-1] - 1)


def narrowed(logits: Tensor, sampling: Sampling) -> Tensor:
    """The logits of what is chosen from: warmer or colder, and without what is out of question."""
    if sampling.temperature:
        logits = logits / sampling.temperature
    if sampling.top_k:
        least = logits.topk(min(sampling.top_k, logits.shape[-1]), dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    return _likeliest(logits, sampling.top_p) if sampling.top_p < 1.0 else logits


def _likeliest(logits: Tensor, share: float) -> Tensor:
    """Only the likeliest codes that together have so large a share, and always the first."""
    ordered, order = logits.sort(dim=-1, descending=True)
    chances = ordered.softmax(-1)
    out = chances.cumsum(-1) - chances > share
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
