"""VALL-E X's first codebook, code by code, for several lines at once over a static cache.

A line stands in a slot: its text and its codes so far lie there one behind the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.engines.valle.networks.cached_attention import CachedAttention, masked
from realtime.engines.valle.networks.checkpoint import BEGIN, CODES, ValleNetwork
from realtime.engines.valle.networks.transformer import Waves

DRAW_BITS = 24  # what a float holds of a random number
DRAWS = 1 << DRAW_BITS
CACHE = ("keys_", "values_")  # the buffers of a layer, before its number
LIVELY = 3.0  # of keys in a trial: some places are heard far better than others
LOUD = 1000.0  # of what nobody may look at in a trial
BROKEN = BEGIN  # chosen where there is nothing to choose from: no line goes on with it


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

    Each layer has its cache in buffers of its own: only a whole buffer is written in place by a
    compiler, and a part of one would be copied with all the rest at every step.
    """

    def __init__(
        self,
        model: ValleNetwork,
        *,
        slots: int,
        places: int,
        sampling: Sampling = Sampling(),
        heard: CachedAttention = masked,
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
        self.heard = heard
        width, heads = model.shape.width, model.shape.heads
        for number in range(model.shape.layers):
            for name in CACHE:
                empty = torch.zeros(slots, heads, places, width // heads)
                self.register_buffer(f"{name}{number}", empty, persistent=False)
        self.waves = Waves(places, width)

    @property
    def device(self) -> torch.device:
        return self.waves.table.device

    @property
    def caches(self) -> list[Tensor]:
        """The keys and the values of each layer, (slots, heads, places, size)."""
        layers = range(len(self.decoder.layers))
        return [self.get_buffer(f"{name}{number}") for number in layers for name in CACHE]

    def forward(self, state: Tensor, draws: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        codes, positions, places = state.t().contiguous().unbind(0)
        lines = torch.arange(state.shape[0], device=state.device)
        x = self._told(codes, positions)[:, None]
        for number, layer in enumerate(self.decoder.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, number: int = number) -> Tensor:
                keys, values = self._cache(number)
                keys[lines, :, places] = k[:, :, 0]
                values[lines, :, places] = v[:, :, 0]
                return self.heard(q, keys, values, places, rows)

            x = layer(x, attend)
        logits = self._predicted(x)[:, 0]
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
        return self._predicted(self._through(text, languages, begun, None)[len(text) :])

    def move(self, source: int, target: int, places: int) -> None:
        """A line goes to another slot, with as many places as it has."""
        for cache in self.caches:
            cache[target, :, :places] = cache[source, :, :places]

    def clear(self, slot: int, place: int | None = None) -> None:
        """Nothing is left in a slot, or at one place of it, not even what is no number."""
        for cache in self.caches:
            (cache[slot] if place is None else cache[slot, :, place]).zero_()

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Inputs for trials of the step with so many lines and rows.

        Each line is once near its beginning, where its own place is much of what it hears, once
        in the middle, and once at the last row.
        """
        count, span = sizes
        random = torch.Generator().manual_seed(count)
        lines, rows = torch.arange(count), torch.arange(span)
        codes, positions = (torch.randint(CODES, (count,), generator=random) for _ in range(2))
        found: list[tuple[Tensor, ...]] = []
        for case in range(3):
            places = torch.stack((1 + lines, span // 2 + lines, span - 1 - lines))
            places = places[(lines + case) % 3, lines].clamp(0, span - 1)
            state = torch.stack((codes, positions % (places + 1), places), dim=1)
            draws = torch.randint(DRAWS, (count,), generator=random)
            found.append((state, draws, rows))
        return found

    def rehearse(self, state: Tensor, draws: Tensor, rows: Tensor) -> None:
        """Fill the cache for a trial of the step at these inputs.

        Every line has a past of its own, and beyond it what is so loud that nobody overhears it.
        """
        cache = self.caches[0]
        random = torch.Generator().manual_seed(0)
        past = torch.randn(cache.shape[1:], generator=random).to(cache.device, cache.dtype)
        for number, cache in enumerate(self.caches):
            loudness = LIVELY if number % len(CACHE) == 0 else 1.0
            for line, place in enumerate(state[:, 2].tolist()):
                cache[line] = loudness * past.roll((number, line + 1), (0, 1))
                cache[line, :, place + 1 :] = LOUD

    def judged(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Outputs as a judge of shorter floats sees them: whether a code follows from its logits.

        Between two codes lies a border that the least change of all logits before them moves.
        """
        state, logits = outputs
        follows = choose(logits, inputs[1], self.sampling) == state[:, 0]
        return torch.cat((follows.to(state.dtype)[:, None], state[:, 1:]), dim=1), logits

    def _cache(self, number: int) -> tuple[Tensor, Tensor]:
        keys, values = (getattr(self, f"{name}{number}") for name in CACHE)
        return keys, values

    def _told(self, codes: Tensor, positions: Tensor) -> Tensor:
        code: Tensor = self.audio_embedding(codes)
        place: Tensor = self.audio_position.alpha * self.waves(positions)
        return code + place

    def _predicted(self, x: Tensor) -> Tensor:
        logits: Tensor = self.predict_layer(self.decoder.norm(x))
        return logits

    def _through(self, text: Tensor, languages: Tensor, codes: Tensor, slot: int | None) -> Tensor:
        """Text that sees all text, and codes that see all text and the codes up to themselves."""
        spoken = self.text_embedding(text) + self.language_embedding(languages)
        places = torch.arange(len(text) + len(codes), device=text.device)
        spoken = spoken + self.text_position.alpha * self.waves(places[: len(text)])
        x = torch.cat([spoken, self._told(codes, places[: len(codes)])])[None]
        length = x.shape[1]
        seen = (places < len(text)) | (places <= places[:, None])
        for number, layer in enumerate(self.decoder.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, number: int = number) -> Tensor:
                if slot is not None:
                    keys, values = self._cache(number)
                    keys[slot, :, :length] = k[0]
                    values[slot, :, :length] = v[0]
                return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

            x = layer(x, attend)
        return x[0]


def choose(logits: Tensor, draws: Tensor, sampling: Sampling) -> Tensor:
    """A code for each line, by its random number; the same whatever the other lines are.

    Where the logits are no numbers it is BROKEN.
    """
    sound = logits.amax(-1).isfinite()
    return torch.where(sound, _chosen(logits, draws, sampling), BROKEN)


def _chosen(logits: Tensor, draws: Tensor, sampling: Sampling) -> Tensor:
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
