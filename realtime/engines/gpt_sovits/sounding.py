"""The two ways from codes to sound: v1, v2 and Pro have a flow and a decoder, v3 and v4 make mels.

Codes that stream become sound before their sentence is over; a mel needs all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

from realtime.acceleration import Accelerated, Policy
from realtime.audio.samples import Samples
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.gpt_sovits.codes import FRAMES
from realtime.engines.gpt_sovits.latent_stream import LatentStream
from realtime.engines.gpt_sovits.manner import Manner
from realtime.engines.gpt_sovits.mel_runner import LENGTHS, run_steps
from realtime.engines.gpt_sovits.mel_speech import MelSentence, MelSound, MelSpeech
from realtime.engines.gpt_sovits.random_numbers import SentenceNoise
from realtime.engines.gpt_sovits.voice_files import VoiceFiles
from realtime.engines.gpt_sovits.voice_prompt import VoicePrompt
from realtime.engines.placeable import kind_of
from realtime.errors import BadRequest
from realtime.settings import Settings
from realtime.vocoders.open import open_vocoder

if TYPE_CHECKING:
    from realtime.engines.gpt_sovits.networks.flow_matching import Velocity
    from realtime.engines.gpt_sovits.networks.mel_continuation import KnownMel
    from realtime.engines.gpt_sovits.networks.sovits import Sovits, Style
    from realtime.networks.mel import MelFormat

VOCODERS = {"v3": "bigvgan", "v4": "hifigan"}
STEPS = {"v3": 32, "v4": 8}  # of flow matching, as the makers' own page has them


class SoundMaker(Protocol):
    """The sound of a sentence, from all of its codes so far."""

    def feed(self, codes: Sequence[int], is_last: bool) -> Iterator[Samples]: ...


@dataclass(frozen=True, eq=False)
class SoundPrompt:
    """The style and mel from which a voice's sound goes on, on the model's device."""

    style: Style
    known: KnownMel | None = None  # of v3 and v4


@dataclass(frozen=True)
class SoundRequest:
    """A sentence whose sound is wanted; its codes are still to come."""

    phones: Sequence[int]
    prompt: SoundPrompt
    noise: SentenceNoise
    manner: Manner
    check: Callable[[], None]  # called between steps; it may raise to end the work


class Sounding(Protocol):
    """A SoVITS network on its device, with all that makes sound of its codes."""

    streams: bool
    mel_format: MelFormat | None  # of the reference's mel, where it is needed

    @property
    def network(self) -> Sovits: ...

    @property
    def accelerated(self) -> tuple[Accelerated, ...]: ...

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def prompt(self, prompt: VoicePrompt, phones: Sequence[int]) -> SoundPrompt:
        """Make ready what a voice's sound goes on from; `phones` are said in its clip."""

    def sound(self, asked: SoundRequest) -> SoundMaker:
        """Begin the sound of a sentence."""


class LatentSounding:
    """SoVITS with a flow and a decoder of its own."""

    streams = True
    mel_format: MelFormat | None = None
    accelerated: tuple[Accelerated, ...] = ()

    def __init__(self, files: VoiceFiles, run: RunConfig) -> None:
        from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder

        network = SovitsDecoder.loaded(files.sovits.state, files.sovits.config["model"])
        network.dec.fast()
        self.network = network.requires_grad_(False).to(run.device)

    def prepare(self) -> None:
        """Do nothing: torch runs it as it is."""

    def close(self) -> None:
        """Do nothing: it holds nothing but its weights."""

    def prompt(self, prompt: VoicePrompt, phones: Sequence[int]) -> SoundPrompt:
        return SoundPrompt(prompt.style_on(_device_of(self.network)))

    def sound(self, asked: SoundRequest) -> SoundMaker:
        return LatentStream(
            self.network,
            asked.phones,
            asked.prompt.style,
            asked.noise,
            speed=asked.manner.speed,
            held_frames=FRAMES * asked.manner.overlap,
        )


class MelSounding:
    """SoVITS with flow matching, and a vocoder as the settings of vocoders want it run."""

    streams = False

    def __init__(self, files: VoiceFiles, run: RunConfig, settings: Settings) -> None:
        from realtime.engines.gpt_sovits.networks.mel_sovits import RATES, MelSovits
        from realtime.engines.gpt_sovits.networks.spectrogram import PROMPT_MELS

        version = files.version.name
        self._steps, self._longest = STEPS[version], RATES[version].chunk
        self.mel_format: MelFormat | None = PROMPT_MELS[version]
        network = MelSovits.loaded(files.sovits.state, files.sovits.config["model"])
        self.network = network.requires_grad_(False).to(run.device)
        policy = Policy.of(settings, when_idle=False)
        self._velocity = run_steps(self.network.cfm, self._longest, run, policy)
        self._vocoder = open_vocoder(VOCODERS[version], _with_vocoder_on(run.device, settings))
        velocity = cast("Velocity | None", self._velocity)
        self._speech = MelSpeech(self.network, self._vocoder.vocoder, RATES[version], velocity)

    @property
    def accelerated(self) -> tuple[Accelerated, ...]:
        steps = () if self._velocity is None else (self._velocity,)
        return (*steps, *self._vocoder.networks)

    def prepare(self) -> None:
        """Compile or record every length of a step before anybody waits for it."""
        if self._velocity is not None:
            lengths = (*(each for each in LENGTHS if each < self._longest), self._longest)
            self._velocity.prepare([(length,) for length in lengths])

    def close(self) -> None:
        if self._velocity is not None:
            self._velocity.close()
        self._vocoder.close()

    def prompt(self, prompt: VoicePrompt, phones: Sequence[int]) -> SoundPrompt:
        import torch

        if not len(prompt.codes):
            raise BadRequest(
                "v3 and v4 continue what is said in the reference, and its text is missing.",
                hint="Give text and language in the character's `voice`.",
                code="text_required",
                field="text",
            )
        style = prompt.style_on(_device_of(self.network))
        mel = torch.from_numpy(prompt.mel.copy())[None]
        known = self._speech.known_mel(prompt.codes.tolist(), phones, style, mel)
        return SoundPrompt(style, known)

    def sound(self, asked: SoundRequest) -> SoundMaker:
        known, manner = asked.prompt.known, asked.manner
        assert known is not None, "its prompts have a mel"
        steps, style = manner.steps or self._steps, asked.prompt.style
        said = MelSentence((), asked.phones, style, known, asked.noise, steps, manner.speed)
        return MelSound(self._speech, said, asked.check)


def make_sounding(files: VoiceFiles, run: RunConfig, settings: Settings) -> Sounding:
    """Make the way to sound that a version has."""
    if files.version.flow_matching:
        return MelSounding(files, run, settings)
    return LatentSounding(files, run)


def _with_vocoder_on(device: str, settings: Settings) -> Settings:
    """Return settings whose vocoder runs where the model does; several devices there may stay."""
    own = settings.vocoder.device
    if own != "auto" and kind_of(own.partition(",")[0]) == kind_of(device):
        return settings
    return replace(settings, vocoder=replace(settings.vocoder, device=device))


def _device_of(network: Sovits) -> str:
    return str(next(network.parameters()).device)
