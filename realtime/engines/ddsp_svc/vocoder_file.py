"""NSF-HiFiGAN, the vocoder that voices of DDSP-SVC share: `model` and `config.json`.

It is loaded once for each device, however many voices use it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realtime.engines.torch_file import check_tensors, named_faults, read_torch_file, unusable
from realtime.engines.voice_features.shared import SharedPart
from realtime.weights import WeightFile, verified_path

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.networks.mel import MelFormat
    from realtime.vocoders.networks.pitched_generator import PitchedGenerator, PitchedShape
    from realtime.vocoders.networks.windows import Reach

FOLDER = "nsf_hifigan"
ORIGIN = "from openvpi/vocoders, CC BY-NC-SA 4.0, or one that you trained"
MODEL = WeightFile(FOLDER, "model", origin=ORIGIN)
CONFIG = WeightFile(FOLDER, "config.json", origin="beside `model`, in the same archive")
VOCODER_FILES = (MODEL, CONFIG)
MOST_CONFIG = 64 << 10  # bytes
MOST = 1 << 16  # of any number: what is larger is no network
MOST_LISTED = 16  # stages, kernels and dilations


@dataclass(frozen=True)
class VocoderConfig:
    """The keys of a config.json that are used."""

    sampling_rate: int
    num_mels: int
    n_fft: int
    win_size: int
    hop_size: int
    upsample_initial_channel: int
    upsample_rates: list[int]
    upsample_kernel_sizes: list[int]
    resblock_kernel_sizes: list[int]
    resblock_dilation_sizes: list[list[int]]
    resblock: str
    fmin: float
    fmax: float | None
    mini_nsf: bool
    pc_aug: bool


@dataclass(frozen=True)
class PitchedVocoder:
    """A loaded vocoder, and the mel that it takes."""

    generator: PitchedGenerator
    mel_format: MelFormat
    takes_register: bool  # whether it was trained with pc_aug
    reach: Reach  # frames around a frame that its sound depends on

    def turns(self, pitch: Tensor) -> Tensor:
        """Return the turns that its source makes in each frame but the last of (batch, frames)."""
        from realtime.engines.ddsp_svc.networks.comb_source import frame_turns
        from realtime.vocoders.networks.pitched_generator import SINE_STAGE

        generator = self.generator
        if not generator.has_sine:
            return pitch[:, :-1].double() * generator.hop / generator.rate
        hop = math.prod(generator.shape.upsample_rates[: SINE_STAGE + 1])
        return frame_turns(pitch.double(), generator.rate * hop / generator.hop, hop)


class SharedVocoder(SharedPart[PitchedVocoder]):
    """The vocoder of one device."""

    @property
    def vocoder(self) -> PitchedVocoder:
        return self._network()

    def _open(self) -> PitchedVocoder:
        config_path = verified_path(CONFIG, self._settings)
        made = open_vocoder(verified_path(MODEL, self._settings), config_path)
        made.generator.to(self._device)
        made.generator.fast()
        return made


def open_vocoder(path: Path, config_path: Path) -> PitchedVocoder:
    """Read both files; what cannot be used is an Unavailable that names the file."""
    import torch

    from realtime.acceleration.weight_norm import fold_weight_norm
    from realtime.networks.mel import MelFormat
    from realtime.vocoders.networks.pitched_generator import PitchedGenerator

    config = read_vocoder_config(config_path)
    content = read_torch_file(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("generator"), Mapping):
        raise unusable(path, "it is no NSF-HiFiGAN, which has `generator`")
    state = check_tensors(content["generator"], path)
    with named_faults(path):
        plain = fold_weight_norm({name: value.float() for name, value in state.items()})
        with torch.device("meta"):
            generator = PitchedGenerator(_shape(config, plain))
        generator.load_state_dict(plain, assign=True)
    generator.eval().requires_grad_(False)
    mel_format = MelFormat(
        config.sampling_rate,
        config.n_fft,
        config.hop_size,
        config.win_size,
        config.num_mels,
        config.fmin,
        config.fmax,
    )
    return PitchedVocoder(generator, mel_format, config.pc_aug, generator.reach())


def read_vocoder_config(path: Path) -> VocoderConfig:
    """Read config.json and refuse values that no network can have."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_CONFIG + 1)
        config = json.loads(data) if len(data) <= MOST_CONFIG else None
    except OSError as error:
        raise unusable(path, f"it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise unusable(path, "it is no JSON") from error
    if not isinstance(config, dict):
        raise unusable(path, "it is no object of at most 64 KiB")
    found = _checked_config(path, config)
    _require_fit(path, found)
    return found


def _checked_config(path: Path, config: Mapping[str, Any]) -> VocoderConfig:
    """Refuse each key whose value is no number or list of the right kind."""

    def number(name: str) -> int:
        return _whole_numbers(path, name, [config.get(name)])[0]

    def numbers(name: str) -> list[int]:
        return _whole_numbers(path, name, config.get(name))

    kernels = numbers("resblock_kernel_sizes")
    dilations = config.get("resblock_dilation_sizes")
    if not isinstance(dilations, list) or len(dilations) != len(kernels):
        raise unusable(path, "resblock_dilation_sizes in it is no list for each kernel")
    resblock = str(config.get("resblock", "1"))
    if resblock not in ("1", "2"):
        raise unusable(path, "resblock in it is neither 1 nor 2")
    most = number("sampling_rate") / 2
    return VocoderConfig(
        sampling_rate=number("sampling_rate"),
        num_mels=number("num_mels"),
        n_fft=number("n_fft"),
        win_size=number("win_size"),
        hop_size=number("hop_size"),
        upsample_initial_channel=number("upsample_initial_channel"),
        upsample_rates=numbers("upsample_rates"),
        upsample_kernel_sizes=numbers("upsample_kernel_sizes"),
        resblock_kernel_sizes=kernels,
        resblock_dilation_sizes=[
            _whole_numbers(path, "resblock_dilation_sizes", each) for each in dilations
        ],
        resblock=resblock,
        fmin=_hertz(path, "fmin", config.get("fmin"), most) or 0.0,
        fmax=_hertz(path, "fmax", config.get("fmax"), most),
        mini_nsf=bool(config.get("mini_nsf")),
        pc_aug=bool(config.get("pc_aug")),
    )


def _shape(config: VocoderConfig, state: Mapping[str, Tensor]) -> PitchedShape:
    from realtime.vocoders.networks.pitched_generator import PitchedShape

    sine = config.mini_nsf
    return PitchedShape(
        initial_channel=config.num_mels,
        resblock=config.resblock,
        resblock_kernel_sizes=config.resblock_kernel_sizes,
        resblock_dilation_sizes=config.resblock_dilation_sizes,
        upsample_rates=config.upsample_rates,
        upsample_initial_channel=config.upsample_initial_channel,
        upsample_kernel_sizes=config.upsample_kernel_sizes,
        rate=config.sampling_rate,
        harmonics=1 if sine else int(state["m_source.l_linear.weight"].shape[1]),
        sine=sine,
    )


def _whole_numbers(path: Path, name: str, numbers: Any) -> list[int]:
    """Read a list of whole numbers from 1 to `MOST`, or refuse it."""
    fits = isinstance(numbers, list) and 0 < len(numbers) <= MOST_LISTED
    if not fits or not all(type(number) is int and 1 <= number <= MOST for number in numbers):
        raise unusable(path, f"{name} in it is not made of whole numbers from 1 to {MOST}")
    return list(numbers)


def _hertz(path: Path, name: str, value: Any, most: float) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise unusable(path, f"{name} in it is no frequency below half the sampling_rate")
    return float(value)


def _require_fit(path: Path, config: VocoderConfig) -> None:
    """Refuse numbers that do not go together."""
    if math.prod(config.upsample_rates) != config.hop_size:
        raise unusable(path, "upsample_rates in it do not make hop_size")
    if len(config.upsample_rates) != len(config.upsample_kernel_sizes):
        raise unusable(path, "upsample_kernel_sizes in it are not as many as upsample_rates")
    # The mel is padded for its window: with a longer spectrum it would have too few frames.
    if not config.hop_size <= config.win_size == config.n_fft:
        raise unusable(path, "win_size in it is not n_fft, or is below hop_size")
