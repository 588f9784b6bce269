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
NUMBERS = (
    "sampling_rate",
    "num_mels",
    "n_fft",
    "win_size",
    "hop_size",
    "upsample_initial_channel",
)
LISTS = ("upsample_rates", "upsample_kernel_sizes", "resblock_kernel_sizes")


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
        config["sampling_rate"],
        config["n_fft"],
        config["hop_size"],
        config["win_size"],
        config["num_mels"],
        config.get("fmin") or 0.0,
        config.get("fmax"),
    )
    return PitchedVocoder(generator, mel_format, bool(config.get("pc_aug")), generator.reach())


def read_vocoder_config(path: Path) -> dict[str, Any]:
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
    for name in NUMBERS:
        _require(path, name, [config.get(name)])
    for name in LISTS:
        _require(path, name, config.get(name))
    dilations = config.get("resblock_dilation_sizes")
    if not isinstance(dilations, list) or len(dilations) != len(config["resblock_kernel_sizes"]):
        raise unusable(path, "resblock_dilation_sizes in it is no list for each kernel")
    for dilation in dilations:
        _require(path, "resblock_dilation_sizes", dilation)
    if str(config.get("resblock", "1")) not in ("1", "2"):
        raise unusable(path, "resblock in it is neither 1 nor 2")
    for name in ("fmin", "fmax"):
        _require_hertz(path, name, config)
    _require_fit(path, config)
    return config


def _shape(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> PitchedShape:
    from realtime.vocoders.networks.pitched_generator import PitchedShape

    sine = bool(config.get("mini_nsf"))
    return PitchedShape(
        initial_channel=config["num_mels"],
        resblock=str(config.get("resblock", "1")),
        resblock_kernel_sizes=config["resblock_kernel_sizes"],
        resblock_dilation_sizes=config["resblock_dilation_sizes"],
        upsample_rates=config["upsample_rates"],
        upsample_initial_channel=config["upsample_initial_channel"],
        upsample_kernel_sizes=config["upsample_kernel_sizes"],
        rate=config["sampling_rate"],
        harmonics=1 if sine else int(state["m_source.l_linear.weight"].shape[1]),
        sine=sine,
    )


def _require(path: Path, name: str, numbers: Any) -> None:
    """Refuse anything but a list of whole numbers from 1 to `MOST`."""
    fits = isinstance(numbers, list) and 0 < len(numbers) <= MOST_LISTED
    if not fits or not all(type(number) is int and 1 <= number <= MOST for number in numbers):
        raise unusable(path, f"{name} in it is not made of whole numbers from 1 to {MOST}")


def _require_hertz(path: Path, name: str, config: Mapping[str, Any]) -> None:
    value = config.get(name)
    if value is None:
        return
    if type(value) not in (int, float) or not 0 <= value <= config["sampling_rate"] / 2:
        raise unusable(path, f"{name} in it is no frequency below half the sampling_rate")


def _require_fit(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse numbers that do not go together."""
    if math.prod(config["upsample_rates"]) != config["hop_size"]:
        raise unusable(path, "upsample_rates in it do not make hop_size")
    if len(config["upsample_rates"]) != len(config["upsample_kernel_sizes"]):
        raise unusable(path, "upsample_kernel_sizes in it are not as many as upsample_rates")
    # The mel is padded for its window: with a longer spectrum it would have too few frames.
    if not config["hop_size"] <= config["win_size"] == config["n_fft"]:
        raise unusable(path, "win_size in it is not n_fft, or is below hop_size")
