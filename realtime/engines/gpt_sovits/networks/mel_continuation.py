"""A mel of any length, computed chunk by chunk: each continues the end of the one before.

All chunks are as long as the network was trained for, and the first continues the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from realtime.engines.gpt_sovits.networks.mel_sovits import MelRates

# From features, the known mel and the number of the chunk to a mel whose first frames are void.
Generate = Callable[[Tensor, Tensor, int], Tensor]


@dataclass(frozen=True)
class KnownMel:
    """A mel that is known, (1, bands, frames), with the features of what is said in it."""

    mel: Tensor
    features: Tensor

    def cut(self, most: int) -> KnownMel:
        """Give both the same length; of more than `most` frames the last ones are kept."""
        length = min(self.mel.shape[2], self.features.shape[2])
        mel, features = self.mel[:, :, :length], self.features[:, :, :length]
        return KnownMel(mel[:, :, -most:], features[:, :, -most:])


def continue_mel(
    known: KnownMel, features: Tensor, rates: MelRates, generate: Generate
) -> Iterator[Tensor]:
    """Yield the mel of features (1, channels, frames), a chunk at a time."""
    known = known.cut(rates.prompt)
    length = known.mel.shape[2]
    for number, part in enumerate(torch.split(features, rates.chunk - length, dim=2)):
        before = known.mel.shape[2]
        mel = generate(torch.cat([known.features, part], dim=2), known.mel, number)[:, :, before:]
        yield mel
        known = KnownMel(mel[:, :, -length:], part[:, :, -length:])
