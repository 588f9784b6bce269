"""Flow matching: noise becomes a mel in a few steps, after a mel that is known.

The noise comes from outside, so that a line is the same whatever else is computed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from realtime.engines.gpt_sovits.networks.diffusion_transformer import (
    DiffusionTransformer,
    DitShape,
)

MOST_TABLES = 8  # of steps that are kept; people use two or three counts

Velocity = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None], Tensor]


class FlowMatching(nn.Module):
    """The loop over steps, around the network `estimator`."""

    def __init__(self, shape: DitShape) -> None:
        super().__init__()
        self.estimator = DiffusionTransformer(shape)
        self._tables: OrderedDict[int, Tensor] = OrderedDict()

    def forward(
        self,
        features: Tensor,
        prompt: Tensor,
        noise: Tensor,
        steps: int,
        *,
        mask: Tensor | None = None,
        guidance: float = 0.0,
        temperature: float = 1.0,
        check: Callable[[], None] = lambda: None,
        velocity: Velocity | None = None,
    ) -> Tensor:
        """Return a mel (batch, bands, frames) for features (batch, channels, frames).

        Its first frames are those of the prompt's; they come back as zeros. `mask` is (batch,
        frames), 1 in the frames of a line. `check` is called before each step, and may raise to
        end the work there. `velocity` is the network in a faster form, which always takes a mask.
        """
        length, dtype = prompt.shape[2], self.estimator.proj_out.weight.dtype
        features = features.to(dtype)
        if mask is None and velocity is not None:
            mask = features.new_ones(len(features), features.shape[2])
        velocity = velocity or self.estimator
        over = None if mask is None else mask.unsqueeze(2).to(dtype)
        text = self.estimator.text_embed(features.transpose(1, 2), over)
        free_text = None
        if guidance:
            free_text = self.estimator.text_embed(torch.zeros_like(features).transpose(1, 2), over)
        known = torch.zeros_like(noise, dtype=dtype)
        known[:, :, :length] = prompt
        known = known.transpose(1, 2)
        # In fp32, whatever the network computes in: the steps add up.
        x = (noise.float() * temperature).transpose(1, 2).contiguous()
        x[:, :length] = 0.0
        for steering in self.steering(steps):
            check()
            moved = velocity(x.to(dtype), known, text, steering, over)
            if free_text is not None:
                free = velocity(x.to(dtype), torch.zeros_like(known), free_text, steering, over)
                moved = moved + (moved - free) * guidance
            x = x + moved.float() / steps
            x[:, :length] = 0.0
        return x.transpose(1, 2)

    def steering(self, steps: int) -> Tensor:
        """Return a row for each step; it is the same for every line."""
        found = self._tables.get(steps)
        weight = self.estimator.proj_out.weight
        if found is None or found.device != weight.device or found.dtype != weight.dtype:
            step = torch.tensor(1.0 / steps, device=weight.device)
            times = torch.arange(steps, device=weight.device, dtype=torch.float32) / steps
            found = self._tables[steps] = self.estimator.steering(times, step)
        self._tables.move_to_end(steps)
        while len(self._tables) > MOST_TABLES:
            self._tables.popitem(last=False)
        return found
