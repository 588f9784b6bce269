"""SoVITS of v1, v2, v2Pro and v2ProPlus: from semantic codes to sound at 32 kHz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.engines.gpt_sovits.codes import CODES, FRAMES
from realtime.engines.gpt_sovits.networks.content_encoder import ContentEncoder
from realtime.engines.gpt_sovits.networks.shapes import SovitsShape
from realtime.engines.gpt_sovits.networks.style_encoder import StyleEncoder
from realtime.networks.flow import Flow
from realtime.vocoders.networks.hifigan import Generator, GeneratorShape

SPREAD = 0.5  # by which the noise of latent frames is scaled
FLOW_LAYERS = 4  # of gated convolutions in a coupling
CODEBOOK = "quantizer.vq.layers.0._codebook.embed"


@dataclass(frozen=True)
class Style:
    """A voice's style: for the flow and the decoder, and for the content encoder."""

    whole: Tensor  # (1, style, 1)
    content: Tensor  # (1, cross, 1)


class Codebook(nn.Module):
    """The features that codes stand for, under the name that checkpoints give them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vq = nn.Module()
        layer = nn.Module()
        layer._codebook = nn.Module()
        layer._codebook.embed = nn.Parameter(torch.zeros(CODES, width))
        self.vq.layers = nn.ModuleList([layer])

    @property
    def table(self) -> Tensor:
        return self.get_parameter(CODEBOOK.removeprefix("quantizer."))

    def nearest(self, features: Tensor) -> Tensor:
        """Return the code of each column of (1, width, columns)."""
        return torch.cdist(features[0].T[None], self.table[None])[0].argmin(-1)


class Sovits(nn.Module):
    """The parts that every version has: codes, content and style."""

    def __init__(self, shape: SovitsShape) -> None:
        super().__init__()
        self.shape = shape
        self.ssl_proj = nn.Conv1d(shape.ssl, shape.ssl, 2, stride=2)
        self.quantizer = Codebook(shape.ssl)
        self.enc_p = ContentEncoder(shape)
        self.ref_enc = StyleEncoder(shape.bins, shape.style_inner, shape.style)
        if shape.speaker:
            self.sv_emb = nn.Linear(shape.speaker, shape.style)
            self.ge_to512 = nn.Linear(shape.style, shape.cross)
            self.prelu = nn.PReLU(shape.style)

    def codes_of(self, features: Tensor) -> Tensor:
        """Return the semantic codes of (1, ssl, frames) of a recording, half as many."""
        return self.quantizer.nearest(self.ssl_proj(features))

    def style_of(self, spectrograms: Sequence[Tensor], speakers: Sequence[Tensor]) -> Style:
        """Return the mean style of references; Pro versions need a speaker vector of each."""
        styles = []
        for number, spectrogram in enumerate(spectrograms):
            style = self.ref_enc(spectrogram)
            if self.shape.speaker:
                style = self.prelu(style + self.sv_emb(speakers[number]).unsqueeze(2))
            styles.append(style)
        whole = torch.stack(styles).mean(0)
        content = whole
        if self.shape.speaker:
            content = self.ge_to512(whole.squeeze(2)).unsqueeze(2)
        return Style(whole, content)

    def content_of(self, codes: Tensor, phones: Tensor, style: Style) -> Tensor:
        """Return (1, hidden, 2 × codes) for codes and phones of one line."""
        features = self.quantizer.table[codes].T.repeat_interleave(FRAMES, dim=1)[None]
        content: Tensor = self.enc_p(features, phones[None], style.content)
        return content


class SovitsDecoder(Sovits):
    """SoVITS with a flow and a generator of its own."""

    def __init__(self, shape: SovitsShape) -> None:
        super().__init__(shape)
        self.flow = Flow(shape.latent, shape.hidden, shape.style, FLOW_LAYERS)
        self.dec = Generator(GeneratorShape(**shape.decoder))

    @staticmethod
    def loaded(weight: Mapping[str, Tensor], model: Mapping[str, Any]) -> SovitsDecoder:
        """Build the network of a checkpoint's tensors; a missing or unknown one is an error."""
        state = fold_weight_norm({name: value.float() for name, value in weight.items()})
        network = SovitsDecoder(SovitsShape.of(state, model))
        network.load_state_dict(state)
        return network.eval()

    @property
    def hop(self) -> int:
        """Return the samples of a latent frame."""
        return self.dec.hop

    @property
    def context(self) -> int:
        """Return the latent frames to each side that a frame's sound depends on."""
        reach = self.dec.reach()
        return self.flow.reach + max(reach.before, reach.after)

    def latent(self, hidden: Tensor, noise: Tensor) -> Tensor:
        """Return latent frames for hidden ones, with noise of their shape."""
        mean, log_spread = self.enc_p.latent(hidden)
        return mean + noise * log_spread.exp() * SPREAD

    def sound(self, latent: Tensor, style: Style, known: int = 0) -> Tensor:
        """Return (1, 1, samples) of latent frames, without the first ones, which are known."""
        frames = self.flow(latent, style.whole)
        # The flow looks farther back than the decoder, which takes nearly all of the time.
        before = min(known, self.dec.reach().before)
        samples: Tensor = self.dec(frames[..., known - before :], style.whole)
        return samples[..., before * self.hop :]
