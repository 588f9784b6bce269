"""A loaded voice: frames of features and pitch become a piece of sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from realtime.engines.rvc.features import coarse_pitch
from realtime.engines.rvc.voice_file import RvcVoiceFile

if TYPE_CHECKING:
    from torch import Tensor

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


class FrameNoise(Protocol):
    """Random numbers of a window, by their place in it; places are negative before its start."""

    def latent(self, first: int, count: int, width: int) -> Singles:
        """Return (count, width) of normal numbers, for the frames from `first` on."""

    def source(self, first: int, count: int) -> Singles:
        """Return (count, 1) of normal numbers, for the samples of output from `first` on."""


@dataclass(frozen=True)
class FrameWindow:
    """Frames of 10 ms, and the part of them whose sound is wanted.

    `before` and `after` are frames beside that part that are decoded too, as their sound reaches
    into it; their own is thrown away.
    """

    content: Singles  # (frames, width)
    pitch: Floats | None  # Hz, 0 where there is none; None for a voice without pitch
    start: int
    stop: int
    before: int = 0
    after: int = 0

    @property
    def decoded(self) -> slice:
        most = len(self.content)
        return slice(max(0, self.start - self.before), min(most, self.stop + self.after))


class RvcVoice:
    """The network of a voice on a device; it keeps nothing between calls."""

    def __init__(self, file: RvcVoiceFile, device: str) -> None:
        self._network = file.network().to(device)
        self._network.dec.fast()
        self._device = device
        self.rate, self.version, self.has_pitch = file.rate, file.version, file.has_pitch

    def release_packed(self) -> None:
        """Free weights that are kept in the processor's own layout too, once they have run."""
        for layer in self._network.dec.modules():
            packed = getattr(layer, "packed", None)
            if packed is not None:
                packed.release()

    @property
    def hop(self) -> int:
        """Return the samples of a frame."""
        return self._network.hop

    @property
    def speakers(self) -> int:
        return self._network.shape.speakers

    @property
    def reach(self) -> int:
        """Return the frames before a frame that its sound depends on."""
        return self._network.dec.reach().before

    def sound(
        self,
        window: FrameWindow,
        noise: FrameNoise,
        speaker: int = 0,
        phase: float = 0.0,
        formant: float = 1.0,
    ) -> Singles:
        """Return the sound of a window's part.

        `phase` is that of the pitch, in cycles, at the first frame that is decoded.
        """
        import torch

        with torch.inference_mode():
            style = self._network.style(speaker)
            latent = self._latent(window, noise, style)
            decoded = self._played(latent, style, self._source(window, noise, phase), formant)
        kept = window.start - window.decoded.start
        sound = decoded[kept * self.hop : (kept + window.stop - window.start) * self.hop]
        # Half a number is no sound: a damaged voice or index may give any.
        return np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)

    def _latent(self, window: FrameWindow, noise: FrameNoise, style: Tensor) -> Tensor:
        """Return the latent frames that are decoded."""
        network, decoded = self._network, window.decoded
        # The flow, unlike the encoder, sees a few frames alone: it need not run over all.
        first = max(0, decoded.start - network.flow.reach)
        count = len(window.content) - first
        drawn = self._tensor(noise.latent(first, count, network.shape.latent)).transpose(1, 2)
        coarse = None
        if window.pitch is not None:
            coarse = self._tensor(coarse_pitch(window.pitch))
        latent = network.latent(self._tensor(window.content), coarse, drawn, style)
        return latent[..., decoded.start - first : decoded.stop - first]

    def _source(self, window: FrameWindow, noise: FrameNoise, phase: float) -> Tensor | None:
        from realtime.vocoders.networks.pitched_generator import PitchedGenerator

        generator, decoded = self._network.dec, window.decoded
        if window.pitch is None or not isinstance(generator, PitchedGenerator):
            return None
        count = decoded.stop - decoded.start
        drawn = noise.source(decoded.start * self.hop, count * self.hop)
        return generator.source(
            self._tensor(window.pitch[decoded]), self._tensor(drawn), phase
        ).signal

    def _played(
        self, latent: Tensor, style: Tensor, source: Tensor | None, formant: float
    ) -> Singles:
        """Return the sound of latent frames; formants lie higher by a factor.

        Frames and source are stretched by the factor, and their sound is played as much faster: so
        the pitch and its phase stay.
        """
        from torchaudio.functional import resample

        count = latent.shape[2]
        frames = max(1, round(count * formant))
        sound = self._network.stretched_sound(latent, style, source, frames)
        if frames != count:
            sound = resample(sound, frames, count)
        samples: Singles = sound[0, 0].float().cpu().numpy()
        return samples

    def _tensor(self, values: npt.NDArray[np.generic]) -> Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values))[None].to(self._device)
