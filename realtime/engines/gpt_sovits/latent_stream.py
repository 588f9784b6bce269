"""The sound of one sentence from codes that come bit by bit, for SoVITS with a flow of its own.

All codes so far are encoded anew each time, since what follows changes how a frame is said. The
last frames of a chunk are held back until the next one: there both are blended, frames and sound.
Each frame has its own noise for ever, so both ways to say it are nearly the same wave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from realtime.audio.samples import Samples
from realtime.engines.gpt_sovits.random_numbers import SentenceNoise

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder, Style


@dataclass(frozen=True)
class MadeFrames:
    """The frames that were made last, from `first` on: as content, and with their noise."""

    first: int
    hidden: Tensor
    latent: Tensor

    def since(self, frame: int) -> Tensor:
        """Return the content of a frame and of those after it."""
        return self.hidden[..., frame - self.first :]


class LatentStream:
    """The frames and the sound of one sentence so far."""

    def __init__(
        self,
        network: SovitsDecoder,
        phones: Sequence[int],
        style: Style,
        noise: SentenceNoise,
        *,
        speed: float = 1.0,
        held_frames: int = 4,
    ) -> None:
        import torch

        self._network = network
        self._device = next(network.parameters()).device
        self._phones = torch.tensor(list(phones), device=self._device)
        self._style = style
        self._noise = noise
        self._speed = speed
        self._held = max(held_frames, 1)
        self._context = network.context
        self._given = 0  # frames whose sound is given
        self._made: MadeFrames | None = None
        self._tail: Tensor | None = None  # sound of the frames that are held back

    def feed(self, codes: Sequence[int], is_last: bool) -> Iterator[Samples]:
        """Yield the sound that is certain now; `codes` are all so far."""
        if (sound := self._next(codes, is_last)).size:
            yield sound

    def _next(self, codes: Sequence[int], is_last: bool) -> Samples:
        import torch

        with torch.inference_mode():
            hidden = self._encode(codes)
            end = hidden.shape[2]
            until = end if is_last else max(self._given, end - self._held)
            if until <= self._given:
                return np.zeros(0, np.float32)
            first = max(0, self._given - self._context)
            latent = self._continue(hidden, first)
            sound = self._network.sound(latent, self._style, self._given - first)[0, 0]
            sound = self._blend(sound)
            count = (until - self._given) * self._network.hop
            self._tail, self._given = sound[count:].clone(), until
            samples: Samples = sound[:count].float().cpu().numpy()
            return samples

    def _encode(self, codes: Sequence[int]) -> Tensor:
        import torch

        from realtime.engines.gpt_sovits.networks.content_encoder import stretch

        numbers = torch.tensor(list(codes), device=self._device)
        hidden = self._network.content_of(numbers, self._phones, self._style)
        return stretch(hidden, self._speed)

    def _continue(self, hidden: Tensor, first: int) -> Tensor:
        """Return latent frames from `first` on: those given before as they were, new ones after."""
        import torch

        new, made = hidden[..., self._given :], self._made
        if made is not None:
            old = made.since(self._given)[..., : new.shape[2]]
            rise = torch.linspace(0, 1, old.shape[2] + 2, device=self._device)[1:-1]
            blended = old + (new[..., : old.shape[2]] - old) * rise
            new = torch.cat([blended, new[..., old.shape[2] :]], dim=2)
        noise = self._noise.frames(self._given, new.shape[2], self._network.shape.latent)
        numbers = torch.from_numpy(noise)[None].to(self._device, new.dtype)
        latent = self._network.latent(new, numbers)
        if made is not None:
            given = slice(first - made.first, self._given - made.first)
            latent = torch.cat([made.latent[..., given], latent], dim=2)
            new = torch.cat([made.hidden[..., given], new], dim=2)
        self._made = MadeFrames(first, new, latent)
        return latent

    def _blend(self, sound: Tensor) -> Tensor:
        """Let the new sound rise where that of the chunk before was held back."""
        import torch

        if self._tail is None or not self._tail.numel():
            return sound
        count = min(self._tail.numel(), sound.numel())
        rise = torch.linspace(0, 1, count + 2, device=sound.device)[1:-1]
        joined = self._tail[:count] + (sound[:count] - self._tail[:count]) * rise
        return torch.cat([joined, sound[count:]])
