"""Sentences of v3 and v4 as sound: a mel chunk by chunk, and the vocoder beside it.

The vocoder gives the sound of a chunk's frames as soon as no later frame can change it. So the
joins of chunks are those of the mel, and need no blending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from realtime.audio.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.gpt_sovits.networks.flow_matching import Velocity
    from realtime.engines.gpt_sovits.networks.mel_continuation import KnownMel
    from realtime.engines.gpt_sovits.networks.mel_sovits import MelRates, MelSovits
    from realtime.engines.gpt_sovits.networks.sovits import Style
    from realtime.vocoders.vocoder import Vocoder


class FrameNoise(Protocol):
    """Normal random numbers of a sentence; each frame has its own, wherever chunks are cut."""

    def frames(self, first: int, count: int, channels: int) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True)
class MelSentence:
    """A sentence as the network takes it."""

    codes: Sequence[int]
    phones: Sequence[int]  # of the sentence alone, without those of the reference
    style: Style
    known: KnownMel  # of the reference
    noise: FrameNoise
    steps: int
    speed: float = 1.0


class MelSpeech:
    """A network of v3 or v4 with its vocoder; it may be used for several sentences in turn."""

    def __init__(
        self,
        network: MelSovits,
        vocoder: Vocoder,
        rates: MelRates,
        velocity: Velocity | None = None,
    ) -> None:
        """Use `velocity` where it is given: the network in a faster form."""
        self._network = network
        self._vocoder = vocoder
        self._rates = rates
        self._velocity = velocity

    def known_mel(
        self, codes: Sequence[int], phones: Sequence[int], style: Style, mel: Tensor
    ) -> KnownMel:
        """Return the reference's mel (1, bands, frames) with the features of what is said in it."""
        from realtime.engines.gpt_sovits.networks.mel_continuation import KnownMel

        return KnownMel(mel.to(self._place), self._features(codes, phones, style, 1.0))

    def speak(
        self, sentence: MelSentence, check: Callable[[], None] = lambda: None
    ) -> Iterator[Samples]:
        """Yield the sound of a sentence; `check` is called at each step, and may raise."""
        stream = self._vocoder.stream()
        for mel in self.mels(sentence, check):
            for samples in stream.feed(mel):
                yield samples
                check()
        yield from stream.finish()

    def mels(
        self, sentence: MelSentence, check: Callable[[], None] = lambda: None
    ) -> Iterator[Tensor]:
        """Yield the mel of a sentence as vocoders take it: (bands, frames), a chunk at a time."""
        import torch

        from realtime.engines.gpt_sovits.networks.mel_continuation import continue_mel
        from realtime.engines.gpt_sovits.networks.spectrogram import denormalised

        done = 0

        def generate(features: Tensor, before: Tensor, number: int) -> Tensor:
            nonlocal done
            count = features.shape[2] - before.shape[2]
            drawn = torch.from_numpy(sentence.noise.frames(done, count, before.shape[1]))[None]
            done += count
            # Where the mel is known, noise is of no use.
            numbers = torch.cat([torch.zeros_like(before), drawn.to(before)], dim=2)
            with torch.no_grad():
                mel: Tensor = self._network.cfm(
                    features, before, numbers, sentence.steps, check=check, velocity=self._velocity
                )
            return mel

        features = self._features(sentence.codes, sentence.phones, sentence.style, sentence.speed)
        for mel in continue_mel(sentence.known, features, self._rates, generate):
            yield denormalised(mel)[0].float()

    @property
    def _place(self) -> Tensor:
        """Return a tensor of the network: others go to its device, in its precision."""
        return next(self._network.parameters())

    def _features(
        self, codes: Sequence[int], phones: Sequence[int], style: Style, speed: float
    ) -> Tensor:
        import torch

        device = self._place.device
        said, read = (torch.tensor(list(each), device=device) for each in (codes, phones))
        with torch.no_grad():
            return self._network.features(said, read, style, self._rates, speed)


class MelSound:
    """The sound of a sentence whose codes come bit by bit: it begins when all are there."""

    def __init__(
        self, speech: MelSpeech, sentence: MelSentence, check: Callable[[], None] = lambda: None
    ) -> None:
        """Speak the sentence with the codes that come in the place of its own."""
        self._speech = speech
        self._sentence = sentence
        self._check = check

    def feed(self, codes: Sequence[int], is_last: bool) -> Iterator[Samples]:
        """Yield the sound of all codes; none before the last of them."""
        if is_last:
            yield from self._speech.speak(replace(self._sentence, codes=codes), self._check)
