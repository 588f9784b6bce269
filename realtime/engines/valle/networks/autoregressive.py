"""VALL-E X's autoregressive model: the first codebook, code by code, for several lines at once.

Each line has a slot in a static key-value cache: its text, then its codes so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from realtime.engines.valle.codes import BEGIN, CODES
from realtime.engines.valle.networks.checkpoint import ValleNetwork
from realtime.engines.valle.random_numbers import BITS
from realtime.networks.cached_attention import CachedAttention, masked_attention
from realtime.networks.slot_cache import SlotCache, trial_places
from realtime.networks.transformer import PositionEncoding

RANDOM_LIMIT = 1 << BITS  # all random numbers are below it
INVALID = BEGIN  # the code chosen where a logit is NaN or infinite: it ends its line


@dataclass(frozen=True)
class Sampling:
    """The way a code is chosen; top_k 0 and top_p 1.0 are off."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


class AutoregressiveModel(SlotCache):
    """The step: `forward` gives one code for every line, with shapes that never change.

    `state` is (lines, 3): each line's last code, that code's position, and its place in the slot.
    `random_numbers` is (lines,): 24 bits for each. `rows` is 0, 1, 2 …: the places that are read,
    beyond the last that any line has reached. `forward` gives the next state and the logits.
    Line n is in slot n.
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
        width, heads = model.shape.width, model.shape.heads
        super().__init__(model.shape.layers, heads, width // heads, slots, places, attention)
        self.text_embedding = model.ar_text_embedding
        self.language_embedding = model.ar_language_embedding
        self.audio_embedding = model.ar_audio_embedding
        self.text_position = model.ar_text_position
        self.audio_position = model.ar_audio_position
        self.decoder = model.ar_decoder
        self.predict_layer = model.ar_predict_layer
        self.sampling = sampling
        self.position_encoding = PositionEncoding(places, width)

    @property
    def device(self) -> torch.device:
        return self.position_encoding.table.device

    def forward(self, state: Tensor, random_numbers: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        codes, positions, places = state.t().contiguous().unbind(0)
        x = self._embed_codes(codes, positions)[:, None]
        for number, layer in enumerate(self.decoder.layers):
            x = layer(x, self.attend_step(number, places, rows))
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
            x = layer(x, self.attend_prompt(number, slot, seen))
        return torch.stack(
            (codes[-1], codes.new_tensor(len(before_last)), codes.new_tensor(length))
        )

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Return inputs for trials of the step with so many lines and rows."""
        count, span = sizes
        generator = torch.Generator().manual_seed(count)
        rows = torch.arange(span)
        codes, positions = (torch.randint(CODES, (count,), generator=generator) for _ in range(2))
        inputs: list[tuple[Tensor, ...]] = []
        for case in range(3):
            places = trial_places(count, span, case)
            state = torch.stack((codes, positions % (places + 1), places), dim=1)
            random_numbers = torch.randint(RANDOM_LIMIT, (count,), generator=generator)
            inputs.append((state, random_numbers, rows))
        return inputs

    def rehearse(self, state: Tensor, random_numbers: Tensor, rows: Tensor) -> None:
        """Fill the cache for a trial of the step at these inputs."""
        self.fill_for_trial(state[:, 2])

    def judged(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return what is compared of outputs in 16 bits: whether each code follows its logits.

        The codes themselves may differ: a random number that falls near the border between two
        codes chooses either, after the least change of the logits before them.
        """
        state, logits = outputs
        follows = choose_codes(logits, inputs[1], self.sampling) == state[:, 0]
        return torch.cat((follows.to(state.dtype)[:, None], state[:, 1:]), dim=1), logits

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
