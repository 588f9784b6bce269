"""Models of GPT-SoVITS at full size, with random weights, and lines that end where they are told.

The networks are made in memory; only the vocoder of v3 and v4 is written to a folder, since it is
opened as people bring it.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from realtime.audio.samples import Samples
from realtime.engines.decoding.line import BatchedLine
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.turn import Turn
from realtime.engines.gpt_sovits.codes import CODES, END
from realtime.engines.gpt_sovits.manner import Manner
from realtime.engines.gpt_sovits.model import GptSovitsModel, SemanticPrompt
from realtime.engines.gpt_sovits.networks.diffusion_transformer import DitShape
from realtime.engines.gpt_sovits.networks.mel_sovits import MelSovits
from realtime.engines.gpt_sovits.networks.shapes import SovitsShape
from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder
from realtime.engines.gpt_sovits.networks.text_to_semantic import SemanticShape, TextToSemantic
from realtime.engines.gpt_sovits.random_numbers import TINY, SentenceNoise
from realtime.engines.gpt_sovits.sampling import Sampling
from realtime.engines.gpt_sovits.sounding import VOCODERS, SoundMaker, SoundRequest
from realtime.engines.gpt_sovits.speaking import speak_sentence
from realtime.engines.gpt_sovits.versions import VERSIONS
from realtime.engines.gpt_sovits.voice_files import VoiceFile, VoiceFiles
from realtime.engines.gpt_sovits.voice_prompt import VoicePrompt
from realtime.settings import Settings
from realtime.vocoders.networks.bigvgan import BigVGAN, BigVGANShape
from realtime.vocoders.networks.hifigan import Generator as HifiGan
from realtime.vocoders.networks.hifigan import GeneratorShape

PROMPT_CODES = 140  # of a clip of five seconds and the silence after it
PROMPT_PHONES = 50
# All codes may be chosen, so that the end can be, whatever the others are.
SAMPLING = Sampling(top_k=CODES + 1)
END_LOGIT = -20.0  # too rare to come by chance; the number drawn for it makes it come
MODEL = {
    "n_heads": 2,
    "n_layers": 6,
    "resblock": "1",
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "upsample_rates": [10, 8, 2, 2, 2],
}
FULL = SovitsShape(
    ssl=768,
    hidden=192,
    inner=768,
    latent=192,
    phones=732,
    heads=2,
    layers=6,
    kernel=3,
    cross=512,
    style=512,
    style_inner=128,
    bins=704,
    speaker=0,
    has_flow_matching=False,
    decoder={},
)
BIGVGAN = {"sampling_rate": 24_000, "n_fft": 1024, "hop_size": 256, "win_size": 1024}


@dataclass(frozen=True)
class Widths:
    """The widths of the networks; in a quick trial they are smaller."""

    steps: SemanticShape = SemanticShape()
    cross: int = 512
    decoder: int = 512
    flow: DitShape = DitShape()
    bigvgan: int = 1536
    hifigan: int = 512


FULL_WIDTHS = Widths()
SMALL_WIDTHS = Widths(
    SemanticShape(width=64, layers=2),
    cross=64,
    decoder=32,
    flow=DitShape(64, 1, 2, inner=32, features=32, feature_inner=32, feature_layers=1),
    bigvgan=64,
    hifigan=32,
)


def sovits_shape(version: str, widths: Widths = FULL_WIDTHS) -> SovitsShape:
    """Return the published sizes of a version."""
    first = VERSIONS[version]
    pro, plus = first.speaker_vector, version == "v2ProPlus"
    decoder = {
        **{name: value for name, value in MODEL.items() if not name.startswith("n_")},
        "initial_channel": FULL.latent,
        "upsample_initial_channel": widths.decoder * 3 // 2 if plus else widths.decoder,
        "upsample_kernel_sizes": [20 if plus else 16, 16, 8, 2, 2],
        "gin_channels": 1024 if pro else 512,
        "is_bias": False,
    }
    return replace(
        FULL,
        phones=first.sovits_symbols,
        bins=first.spectrum_bins,
        cross=512 if not pro and widths.cross < 512 else widths.cross,
        style=1024 if pro else 512,
        speaker=20_480 if pro else 0,
        has_flow_matching=first.flow_matching,
        decoder={} if first.flow_matching else decoder,
    )


def sovits_network(version: str, widths: Widths = FULL_WIDTHS) -> nn.Module:
    """Make the network of a version; what training would fill is random."""
    shape = sovits_shape(version, widths)
    if shape.has_flow_matching:
        return MelSovits(shape, widths.flow)
    return SovitsDecoder(shape)


def make_files(version: str, widths: Widths = FULL_WIDTHS) -> VoiceFiles:
    """Make the two files of a voice, without any file."""
    torch.manual_seed(0)
    rows = VERSIONS[version].gpt_symbols[0]
    shape = replace(widths.steps, phones=rows)
    gpt = VoiceFile(Path("random.ckpt"), steps_state(shape), {"model": {"head": shape.heads}})
    state = dict(sovits_network(version, widths).state_dict())
    return VoiceFiles(
        VERSIONS[version], gpt, VoiceFile(Path("random.pth"), state, {"model": MODEL})
    )


def steps_state(shape: SemanticShape) -> dict[str, Tensor]:
    """Make weights of the steps that never end a line by chance."""
    state = dict(TextToSemantic(shape).state_dict())
    for name, value in state.items():  # which are left as they lie in memory
        if name.endswith("in_proj_weight"):
            value.normal_(std=shape.width**-0.5)
        elif name.endswith("in_proj_bias"):
            value.zero_()
    # The first number after the last norm is always 1, and only the end's logit reads it.
    norm, table = f"h.layers.{shape.layers - 1}.norm2", state["ar_predict_layer.weight"]
    state[f"{norm}.weight"][0], state[f"{norm}.bias"][0] = 0.0, 1.0
    table[END], table[:, 0] = 0.0, 0.0
    table[END, 0] = END_LOGIT
    return state


def bring_vocoder(version: str, models: Path, widths: Widths = FULL_WIDTHS) -> None:
    """Write a vocoder of random weights where people put theirs; do nothing if it is there."""
    name = VOCODERS[version]
    folder = models / name
    if folder.exists():
        return
    folder.mkdir(parents=True)
    if name == "hifigan":
        network = HifiGan(GeneratorShape(upsample_initial_channel=widths.hifigan))
        torch.save(network.state_dict(), folder / "vocoder.pth")
        return
    shape = BigVGANShape(upsample_initial_channel=widths.bigvgan)
    config = {**BIGVGAN, **dataclasses.asdict(shape)}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    state = {"generator": BigVGAN(shape).state_dict()}
    torch.save(state, folder / "bigvgan_generator.pt")


class ForcedNoise(SentenceNoise):
    """Random numbers of a sentence that ends after so many codes."""

    def __init__(self, seed: int, phones: Sequence[int], codes: int) -> None:
        super().__init__(seed, phones)
        self._count = codes

    def codes(self, step: int) -> npt.NDArray[np.float32]:
        drawn = super().codes(step)
        if step >= self._count:
            drawn[END] = TINY  # the smaller a code's number, the likelier it is
        return drawn


@dataclass(frozen=True, eq=False)
class ForcedLine:
    """A sentence to be said, read already, and the codes that it is given."""

    phones: tuple[int, ...]
    features: Tensor  # (phones, 1024)
    codes: int


class TimedSound:
    """A maker of sound whose seconds are added up."""

    def __init__(self, sound: SoundMaker, seconds: dict[str, float]) -> None:
        self._sound = sound
        self._seconds = seconds

    def feed(self, codes: Sequence[int], is_last: bool) -> Iterator[Samples]:
        sounds = self._sound.feed(codes, is_last)
        while True:
            started = time.perf_counter()
            samples = next(sounds, None)
            self._seconds["sound"] += time.perf_counter() - started
            if samples is None:
                return
            yield samples


class RandomVoice:
    """A model with random weights, and a voice of five seconds that it goes on from."""

    def __init__(
        self, version: str, run: RunConfig, settings: Settings, widths: Widths = FULL_WIDTHS
    ) -> None:
        if version in VOCODERS:
            bring_vocoder(version, settings.models.path, widths)
        files = make_files(version, widths)
        read = ("h.layers.", "ar_predict_layer.")  # by one step
        weights = (value for name, value in files.gpt.state.items() if name.startswith(read))
        self.step_weights = sum(weight.numel() for weight in weights)
        self.model = GptSovitsModel(files, run, settings)
        self.rate = self.model.version.rate
        self.seconds = {"prefill": 0.0, "steps": 0.0, "sound": 0.0}
        batch = self.model.batch
        for name, stage in (("enter", "prefill"), ("advance", "steps")):
            setattr(batch, name, self._timed(getattr(batch, name), stage))
        generator = np.random.default_rng(1)
        self._phones = tuple(int(each) for each in generator.integers(1, 300, PROMPT_PHONES))
        self._features = torch.randn(PROMPT_PHONES, 1024)
        shape, format = self.model.sounding.network.shape, self.model.sounding.mel_format
        bands, frames = (0, 0) if format is None else (format.bands, 560)
        prompt = VoicePrompt(
            generator.integers(0, CODES, PROMPT_CODES),
            generator.standard_normal(shape.style, np.float32),
            generator.standard_normal(shape.cross, np.float32),
            0.3 * generator.standard_normal((bands, frames), np.float32),
        )
        self._codes = prompt.codes.tolist()
        self.prompt = self.model.sounding.prompt(prompt, self._phones)

    def semantic(self, line: ForcedLine) -> SemanticPrompt:
        features = torch.cat([self._features, line.features])
        return SemanticPrompt((*self._phones, *line.phones), features, self._codes, SAMPLING)

    def batched(self, line: ForcedLine, steps: int, seed: int = 0) -> BatchedLine[SemanticPrompt]:
        """Make a line for the steps alone."""
        prompt = self.semantic(line)
        noise = SentenceNoise(seed, prompt.phones)
        return BatchedLine(prompt, prompt.first_state, steps, noise.codes)

    def speak(self, line: ForcedLine, manner: Manner) -> Generator[Samples | None, None, None]:
        """Speak a line as the engine does; None ends a turn without sound."""
        prompt, sounding = self.semantic(line), self.model.sounding
        noise = ForcedNoise(manner.seed, prompt.phones, line.codes)
        sound = sounding.sound(SoundRequest(line.phones, self.prompt, noise, manner, lambda: None))
        timed = TimedSound(sound, self.seconds)
        turn = Turn(lambda: None, lambda: False)
        chunk = manner.chunk if sounding.streams else 0
        return speak_sentence(self.model, prompt, len(line.phones), noise, timed, chunk, turn)

    def _timed(self, work: object, stage: str) -> object:
        assert callable(work)

        def run(*arguments: object) -> object:
            started = time.perf_counter()
            found = work(*arguments)
            self.seconds[stage] += time.perf_counter() - started
            return found

        return run
