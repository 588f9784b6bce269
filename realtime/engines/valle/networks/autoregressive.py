"""VALL-E X's autoregressive model: the first codebook, code by code, for several lines at once.

Each line has a slot in a static key-value cache: its text, then its codes so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.engines.valle.codes import BEGIN, CODES
from realtime.engines.valle.networks.cached_attention import CachedAttention, masked_attention
from realtime.engines.valle.networks.checkpoint import ValleNetwork
from realtime.engines.valle.networks.transformer import PositionEncoding
from realtime.engines.valle.random_numbers import BITS

RANDOM_LIMIT = 1 << BITS  # all random numbers are below it
CACHE = ("keys_", "values_")  # the buffers of a layer, before its number
KEY_SCALE = 3.0  # of keys in a trial: attention must prefer some places far above others
POISON = 1000.0  # beyond a line's place in a trial: whoever reads it gives wrong numbers
INVALID = BEGIN  # the code chosen where a logit is NaN or infinite: it ends its line


@dataclass(frozen=True)
class Sampling:
    """The way a code is chosen; top_k 0 and top_p 1.0 are off."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


class AutoregressiveModel(nn.Module):
    """The step: `forward` gives one code for every line, with shapes that never change.

    `state` is (lines, 3): each line's last code, that code's position, and its place in the slot.
    `random_numbers` is (lines,): 24 bits for each. `rows` is 0, 1, 2 …: the places that are read,
    beyond the last that any line has reached. `forward` gives the next state and the logits.
    Line n is in slot n.

    Each layer has its cache in buffers of its own: a compiler writes in place only into a whole
    buffer, and would copy a larger one at every step.
    """

    def __init__(
        self,
        model: ValleNetwork,
        *,
        slots: int,
        places: int,
        sampling: Sampling = Sampling(),
        attention: CachedAttention = masked_attention,
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
        self.attention = attention
        width, heads = model.shape.width, model.shape.heads
        for number in range(model.shape.layers):
            for name in CACHE:
                empty = torch.zeros(slots, heads, places, width // heads)
                self.register_buffer(f"{name}{number}", empty, persistent=False)
        self.position_encoding = PositionEncoding(places, width)

    @property
    def device(self) -> torch.device:
        return self.position_encoding.table.device

    @property
    def caches(self) -> list[Tensor]:
        """Return the keys and the values of each layer, (slots, heads, places, size)."""
        layers = range(len(self.decoder.layers))
        return [self.get_buffer(f"{name}{number}") for number in layers for name in CACHE]

    def forward(self, state: Tensor, random_numbers: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        codes, positions, places = state.t().contiguous().unbind(0)
        lines = torch.arange(state.shape[0], device=state.device)
        x = self._embed_codes(codes, positions)[:, None]
        for number, layer in enumerate(self.decoder.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, number: int = number) -> Tensor:
                keys, values = self._cache(number)
                keys[lines, :, places] = k[:, :, 0]
                values[lines, :, places] = v[:, :, 0]
                return self.attention(q, keys, values, places, rows)

            x = layer(x, attend)
        logits = self.predict_layer(self.decoder.norm(x))[:, 0]
        chosen = choose_codes(logits, random_numbers, self.sampling)
        return torch.stack((chosen, positions + 1, places + 1), dim=1), logits

    def prefill(self, slot: int, text: Tensor, languages: Tensor, codes: Tensor) -> Tensor:
        """Write a line's text and the prompt's first level into a slot; return the line's state.

        Text sees all text; a code sees all text and the codes up to itself.
        """
        codes = torch.cat([codes.new_tensor([BEGIN]), codes])
        before_last = codes[:-1]  # the last code is written by the first step
        length = len(text) + len(before_last)
        places = torch.arange(length, device=text.device)
        x = self.text_embedding(text) + self.language_embedding(languages)
        x = x + self.text_position.alpha * self.position_encoding(places[: len(text)])
        x = torch.cat([x, self._embed_codes(before_last, places[: len(before_last)])])[None]
        seen = (places < len(text)) | (places <= places[:, None])
        for number, layer in enumerate(self.decoder.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, number: int = number) -> Tensor:
                keys, values = self._cache(number)
                keys[slot, :, :length] = k[0]
                values[slot, :, :length] = v[0]
                return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

            x = layer(x, attend)
        return torch.stack(
            (codes[-1], codes.new_tensor(len(before_last)), codes.new_tensor(length))
        )

    def move(self, source: int, target: int, places: int) -> None:
        """Copy the first places of one slot into another."""
        for cache in self.caches:
            cache[target, :, :places] = cache[source, :, :places]

    def clear(self, slot: int, place: int | None = None) -> None:
        """Set a slot, or one place of it, to zero.

        A NaN must not stay: attention multiplies a masked value by 0, which gives NaN again.
        """
        for cache in self.caches:
            (cache[slot] if place is None else cache[slot, :, place]).zero_()

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Return inputs for trials of the step with so many lines and rows.

        Each line is once near its beginning, where its own place has a large share of its
        attention, once in the middle, and once at the last row.
        """
        count, span = sizes
        generator = torch.Generator().manual_seed(count)
        lines, rows = torch.arange(count), torch.arange(span)
        codes, positions = (torch.randint(CODES, (count,), generator=generator) for _ in range(2))
        inputs: list[tuple[Tensor, ...]] = []
        for case in range(3):
            places = torch.stack((1 + lines, span // 2 + lines, span - 1 - lines))
            places = places[(lines + case) % 3, lines].clamp(0, span - 1)
            state = torch.stack((codes, positions % (places + 1), places), dim=1)
            random_numbers = torch.randint(RANDOM_LIMIT, (count,), generator=generator)
            inputs.append((state, random_numbers, rows))
        return inputs

    def rehearse(self, state: Tensor, random_numbers: Tensor, rows: Tensor) -> None:
        """Fill the cache for a trial of the step at these inputs.

        Every line has a past of its own; beyond it lie numbers so large that a read of them shows.
        """
        cache = self.caches[0]
        generator = torch.Generator().manual_seed(0)
        past = torch.randn(cache.shape[1:], generator=generator).to(cache.device, cache.dtype)
        for number, cache in enumerate(self.caches):
            is_keys = number % len(CACHE) == 0
            scale = KEY_SCALE if is_keys else 1.0
            for line, place in enumerate(state[:, 2].tolist()):
                cache[line] = scale * past.roll((number, line + 1), (0, 1))
                cache[line, :, place + 1 :] = POISON

    def judged(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return what is compared of outputs in 16 bits: whether each code follows its logits.

        The codes themselves may differ: a random number that falls near the border between two
        codes chooses either, after the least change of the logits before them.
        """
        state, logits = outputs
        follows = choose_codes(logits, inputs[1], self.sampling) == state[:, 0]
        return torch.cat((follows.to(state.dtype)[:, None], state[:, 1:]), dim=1), logits

    def _cache(self, number: int) -> tuple[Tensor, Tensor]:
        keys, values = (getattr(self, f"{name}{number}") for name in CACHE)
        return keys, values

    def _embed_codes(self, codes: Tensor, positions: Tensor) -> Tensor:
        vectors: Tensor = self.audio_embedding(codes)
        offset: Tensor = self.audio_position.alpha * self.position_encoding(positions)
        return vectors + offset


def choose_codes(logits: Tensor, random_numbers: Tensor, sampling: Sampling) -> Tensor:
    """Choose a code for each line by its random number; other lines change nothing.

    Where the largest logit is NaN or infinite the code is INVALID.
    """
    valid = logits.amax(-1).isfinite()
    return torch.where(valid, _sample(logits, random_numbers, sampling), INVALID)


def _sample(logits: Tensor, random_numbers: Tensor, sampling: Sampling) -> Tensor:
    if sampling.top_k == 1 or sampling.temperature == 0:
        return logits.argmax(-1)
    total = filter_logits(logits, sampling).softmax(-1).cumsum(-1)
    wanted = random_numbers[:, None].float() / RANDOM_LIMIT * total[:, -1:]
    # Rounding may lift the last random numbers to the whole sum, so the last code is the bound.
    return (total <= wanted).sum(-1).clamp(max=logits.shape[-1] - 1)


def filter_logits(logits: Tensor, sampling: Sampling) -> Tensor:
    """Apply the temperature, and set what top_k and top_p leave out to minus infinity."""
    if sampling.temperature:
        logits = logits / sampling.temperature
    if sampling.top_k:
        least = logits.topk(min(sampling.top_k, logits.shape[-1]), dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    return _keep_top_p(logits, sampling.top_p) if sampling.top_p < 1.0 else logits


def _keep_top_p(logits: Tensor, share: float) -> Tensor:
    """Keep the likeliest codes that together have so large a share, and always the first."""
    ordered, order = logits.sort(dim=-1, descending=True)
    chances = ordered.softmax(-1)
    excluded = chances.cumsum(-1) - chances > share  # by the sum before the code: the first stays
    return logits.masked_fill(torch.zeros_like(excluded).scatter(-1, order, excluded), -torch.inf)
