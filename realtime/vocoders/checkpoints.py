"""Networks from the vocoders' published files; nothing in the files is executed.

BigVGAN has a `config.json` and its generator. HiFi-GAN has one file without a description: its
widths are read from its weights, and the rest is that of v4.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from realtime.errors import Unavailable
from realtime.settings import Settings
from realtime.weights import WeightFile, read_weights

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.networks.mel import MelFormat
    from realtime.vocoders.networks.base import MelNet
    from realtime.vocoders.networks.bigvgan import BigVGAN
    from realtime.vocoders.networks.hifigan import Generator

Net = TypeVar("Net", bound="MelNet")

BIGVGAN_CONFIG = WeightFile("bigvgan", "config.json")
BIGVGAN_WEIGHTS = WeightFile("bigvgan", "bigvgan_generator.pt")
HIFIGAN_WEIGHTS = WeightFile("hifigan", "vocoder.pth")
FILES = {"bigvgan": (BIGVGAN_CONFIG, BIGVGAN_WEIGHTS), "hifigan": (HIFIGAN_WEIGHTS,)}
WRAPPERS = ("generator", "weight", "state_dict")  # under which a file may keep its weights
ZIP = b"PK"
NUMBERS = (
    "sampling_rate",
    "n_fft",
    "hop_size",
    "win_size",
    "num_mels",
    "upsample_initial_channel",
)
LISTS = ("upsample_rates", "upsample_kernel_sizes", "resblock_kernel_sizes")
CHOICES = {
    "resblock": ("1", "2"),
    "activation": ("snakebeta", "snake"),
    "snake_logscale": (True, False),
    "use_tanh_at_final": (True, False),
    "use_bias_at_final": (True, False),
}
MOST = 1 << 16  # of any number in a config.json: what is larger is no network


def load_bigvgan(settings: Settings) -> tuple[BigVGAN, MelFormat]:
    """Read BigVGAN's two files; return the network and the mel that it takes."""
    from realtime.networks.mel import MelFormat
    from realtime.vocoders.networks.bigvgan import BigVGAN, BigVGANShape

    config = _read_config(read_weights(BIGVGAN_CONFIG, settings))
    names = {field.name for field in dataclasses.fields(BigVGANShape)}
    shape = BigVGANShape(**{name: value for name, value in config.items() if name in names})
    mel_format = MelFormat(
        config["sampling_rate"],
        config["n_fft"],
        config["hop_size"],
        config["win_size"],
        shape.num_mels,
        config.get("fmin") or 0.0,
        config.get("fmax"),
    )
    state = _read_state(BIGVGAN_WEIGHTS, read_weights(BIGVGAN_WEIGHTS, settings))
    return _fill(lambda: BigVGAN(shape), state, BIGVGAN_WEIGHTS), mel_format


def load_hifigan(settings: Settings) -> tuple[Generator, MelFormat]:
    """Read HiFi-GAN's file; return the network and its mel: 32 kHz in, 48 kHz out."""
    from realtime.networks.mel import MelFormat
    from realtime.vocoders.networks.hifigan import Generator, GeneratorShape

    state = _read_state(HIFIGAN_WEIGHTS, read_weights(HIFIGAN_WEIGHTS, settings))
    first = state.get("conv_pre.weight")
    if first is None or first.dim() != 3:
        raise _bad_file(HIFIGAN_WEIGHTS, "it has no conv_pre.weight")
    shape = GeneratorShape(initial_channel=first.shape[1], upsample_initial_channel=first.shape[0])
    mel_format = MelFormat(32_000, 1_280, 320, 1_280, shape.initial_channel)
    return _fill(lambda: Generator(shape), state, HIFIGAN_WEIGHTS), mel_format


def _read_config(data: bytes) -> dict[str, Any]:
    """Read config.json and refuse values that no network can have."""
    try:
        config = json.loads(data)
    except ValueError as error:
        raise _bad_file(BIGVGAN_CONFIG, "it is no JSON") from error
    if not isinstance(config, dict):
        raise _bad_file(BIGVGAN_CONFIG, "it is no object")
    for name in NUMBERS:
        _require(name, [config.get(name)])
    for name in LISTS:
        _require(name, config.get(name))
    dilations = config.get("resblock_dilation_sizes")
    if not isinstance(dilations, list) or len(dilations) != len(config["resblock_kernel_sizes"]):
        raise _bad_file(BIGVGAN_CONFIG, "resblock_dilation_sizes is no list for each kernel")
    for dilation in dilations:
        _require("resblock_dilation_sizes", dilation)
    for name, known in CHOICES.items():
        if config.get(name, known[0]) not in known:
            raise _bad_file(BIGVGAN_CONFIG, f"{name} is none of {', '.join(map(str, known))}")
    for name in ("fmin", "fmax"):
        if type(config.get(name)) not in (int, float, type(None)):
            raise _bad_file(BIGVGAN_CONFIG, f"{name} is no number")
    if math.prod(config["upsample_rates"]) != config["hop_size"]:
        raise _bad_file(BIGVGAN_CONFIG, "upsample_rates do not make hop_size")
    # The files of the first version lack these two, which were true there.
    return {"use_tanh_at_final": True, "use_bias_at_final": True, **config}


def _require(name: str, numbers: Any) -> None:
    """Refuse anything but a list of whole numbers from 1 to `MOST`."""
    fits = isinstance(numbers, list) and bool(numbers)
    if not fits or not all(type(n) is int and 1 <= n <= MOST for n in numbers):
        raise _bad_file(BIGVGAN_CONFIG, f"{name} must hold whole numbers from 1 to {MOST}")


def _read_state(file: WeightFile, data: bytes) -> dict[str, Tensor]:
    """Read the weights of a file, by name, as float32 and without weight norm."""
    import torch

    from realtime.acceleration.weight_norm import fold_weight_norm

    if not data.startswith(ZIP):
        raise _bad_file(file, "it is no file of weights as torch writes them")
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise _bad_file(file, "torch cannot read it as weights alone") from error
    except zipfile.BadZipFile as error:
        raise _bad_file(file, "it is cut short") from error
    for name in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    tensors = isinstance(found, Mapping) and bool(found)
    if not tensors or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise _bad_file(file, "it holds no weights by name")
    try:
        return fold_weight_norm({str(name): value.float() for name, value in found.items()})
    except KeyError as error:
        raise _bad_file(file, f"{error.args[0]} is missing") from error


def _fill(make: Callable[[], Net], state: dict[str, Tensor], file: WeightFile) -> Net:
    """Make a network that has these tensors, not copies of them, as its weights."""
    import torch

    try:
        with torch.device("meta"):
            network = make()
        network.load_state_dict(state, assign=True)
    except (RuntimeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next((line for line in lines[1:] if line), lines[0])
        raise _bad_file(file, reason[:200]) from error
    network.eval().requires_grad_(False)
    network.fast()
    return network


def _bad_file(file: WeightFile, reason: str) -> Unavailable:
    return Unavailable(
        f"{file.engine}/{file.name} cannot be used: {reason}.",
        code="bad_weights",
        hint="Bring the published file again; models/README.md says which.",
    )
