"""A static key-value cache for the steps of a transformer: a slot for each line.

Each layer has its cache in buffers of its own: a compiler writes in place only into a whole
buffer, and would copy a larger one at every step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.networks.cached_attention import CachedAttention
from realtime.networks.transformer import Attend

CACHE = ("keys_", "values_")  # the buffers of a layer, before its number
KEY_SCALE = 3.0  # of keys in a trial: attention must prefer some places far above others
POISON = 1000.0  # beyond a line's place in a trial: whoever reads it gives wrong numbers


class SlotCache(nn.Module):
    """The keys and values of all layers, (slots, heads, places, size) each."""

    def __init__(
        self,
        layers: int,
        heads: int,
        size: int,
        slots: int,
        places: int,
        attention: CachedAttention,
    ) -> None:
        super().__init__()
        self.cached_layers = layers
        self.attention = attention
        for number in range(layers):
            for name in CACHE:
                empty = torch.zeros(slots, heads, places, size)
                self.register_buffer(f"{name}{number}", empty, persistent=False)

    @property
    def caches(self) -> list[Tensor]:
        """Return the keys and the values of each layer, one after the other."""
        layers = range(self.cached_layers)
        return [self.get_buffer(f"{name}{number}") for number in layers for name in CACHE]

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

    def attend_step(self, number: int, places: Tensor, rows: Tensor) -> Attend:
        """Return the attention of a step: line n writes its place in slot n, then reads up to it.

        `rows` is 0, 1, 2 …: the places that are read, beyond the last that any line has reached.
        """
        lines = torch.arange(places.shape[0], device=places.device)

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self._cache(number)
            keys[lines, :, places] = k[:, :, 0]
            values[lines, :, places] = v[:, :, 0]
            return self.attention(q, keys, values, places, rows)

        return attend

    def attend_prompt(self, number: int, slot: int, seen: Tensor) -> Attend:
        """Return the attention of a prompt that fills the first places of a slot."""

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self._cache(number)
            keys[slot, :, : k.shape[2]] = k[0]
            values[slot, :, : v.shape[2]] = v[0]
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

        return attend

    def fill_for_trial(self, places: Tensor) -> None:
        """Fill the cache for a trial in which each line has reached one of these places.

        Every line has a past of its own; beyond it lie numbers so large that a read of them shows.
        """
        cache = self.caches[0]
        generator = torch.Generator().manual_seed(0)
        past = torch.randn(cache.shape[1:], generator=generator).to(cache.device, cache.dtype)
        for number, cache in enumerate(self.caches):
            is_keys = number % len(CACHE) == 0
            scale = KEY_SCALE if is_keys else 1.0
            for line, place in enumerate(places.tolist()):
                cache[line] = scale * past.roll((number, line + 1), (0, 1))
                cache[line, :, place + 1 :] = POISON

    def _cache(self, number: int) -> tuple[Tensor, Tensor]:
        keys, values = (getattr(self, f"{name}{number}") for name in CACHE)
        return keys, values


def trial_places(count: int, span: int, case: int) -> Tensor:
    """Return the places of lines in a trial, for the cases 0, 1 and 2.

    Each line is once near its beginning, where its own place has a large share of its attention,
    once in the middle, and once at the last row.
    """
    lines = torch.arange(count)
    places = torch.stack((1 + lines, span // 2 + lines, span - 1 - lines))
    return places[(lines + case) % 3, lines].clamp(0, span - 1)
