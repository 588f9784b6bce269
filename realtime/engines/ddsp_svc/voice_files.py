"""A voice's folder: `config.yaml` and `model_STEP.pt`, read, recognised and refused by name.

Nothing in either file is executed. The tensors decide what a voice is; the configuration adds what
no tensor shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from realtime import blocks
from realtime.engines.torch_file import check_tensors, named_faults, read_torch_file, unusable
from realtime.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.ddsp_svc.networks.voice import DdspVoice

CONFIG = "config.yaml"
STEP_FILE = re.compile(r"model_(\d{1,12})\.pt")
MOST_CONFIG = 64 << 10  # bytes; the published ones have 3,000
MOST_FILES = 10_000  # of a folder that are looked at
MOST_VOICES = 1_000  # that are listed, the first by name
FLOW = "RectifiedFlow"
OLDER = (
    "Sins",
    "CombSub",
    "CombSubFast",
    "CombSubSuperFast",
    "Diffusion",
    "DiffusionNew",
    "DiffusionFast",
)
ENCODERS = {"contentvec768l12": False, "contentvec768l12tta2x": True}
VOCODERS = {"nsf-hifigan": False, "nsf-hifigan-log10": True}
SUPPORTED = "DDSP-SVC 6.0 to 6.3"
TRAIN_AGAIN = f"Train it again with {SUPPORTED}, whose configuration says `type: {FLOW}`."
# Beginnings of names that only changed programs write.
FORKS = ("spk_embed.", "shared_unit_encoder.", "f0_predictor.")
CONTROLS, VELOCITY = "ddsp_model.unit2ctrl.", "reflow_model.velocity_fn."
RATES = (8_000, 96_000)  # Hz
RATE_UNIT = 50  # windows begin each 20 ms, at a whole sample


@dataclass(frozen=True)
class VoiceConfig:
    """The keys of a config.yaml that are used, with what the published programs take without."""

    type: str = FLOW
    doubled: bool = False  # content 100 times a second, from two runs of the encoder (tta2x)
    volume_window: int | None = None  # samples at 44.1 kHz; None: a frame, as before 6.2
    lowest_pitch: float = 65.0  # Hz
    highest_pitch: float = 800.0
    start: float = 0.0  # the time from which on the flow was trained
    log10: bool = False  # whether the vocoder takes decimal logarithms
    steps: int | None = None
    method: str = "euler"
    pitch_aug: bool = False  # whether it was trained to move formants, as it says


@dataclass(frozen=True)
class DdspVoiceFile:
    """A voice's file: its version, its tensors by published name, and its configuration."""

    path: Path
    version: str
    state: dict[str, Tensor]
    config: VoiceConfig


def find_voices(folder: Path) -> list[str]:
    """List the voices of a folder by name, whether their files are right or not."""
    places = (place for place in folder.glob("*") if not place.name.startswith("."))
    found = (place.name for place in places if find_voice_file(place) is not None)
    return sorted(name for name in found if name.isprintable())[:MOST_VOICES]


def find_voice_file(folder: Path) -> Path | None:
    """Find the file of the highest step in a voice's folder."""
    found = []
    for number, path in enumerate(folder.iterdir() if folder.is_dir() else ()):
        if number >= MOST_FILES:
            break
        if (step := STEP_FILE.fullmatch(path.name)) and path.is_file():
            found.append((int(step[1]), path))
    return max(found)[1] if found else None


def open_voice_folder(folder: Path) -> DdspVoiceFile:
    """Read a voice; what cannot be used is an Unavailable that names the file."""
    blocks.require_block(blocks.TORCH, "DDSP-SVC")
    config = read_config(folder / CONFIG)
    path = find_voice_file(folder)
    if path is None:
        raise unusable(folder, "it has no model_STEP.pt")
    content = read_torch_file(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("model"), Mapping):
        raise unusable(path, "it is no voice of DDSP-SVC, which has `model` and `global_step`")
    state = check_tensors(content["model"], path)
    return DdspVoiceFile(path, version_of(state, config, path), state, config)


def load_voice(file: DdspVoiceFile) -> DdspVoice:
    """Build the networks of a file; a tensor that is missing, unknown or wrong is named."""
    from realtime.engines.ddsp_svc.networks.shapes import DdspShape
    from realtime.engines.ddsp_svc.networks.voice import DdspVoice

    with named_faults(file.path):
        shape = DdspShape.of(file.state, file.version)
        stated = file.state["ddsp_model.win_length"]
        if not 1 <= shape.hop <= shape.window:
            raise ValueError(f"it says a hop of {shape.hop}, with a window of {shape.window}")
        if stated.numel() != 1 or int(stated) != shape.window:
            raise ValueError(f"it says a window of {stated.tolist()}; it has one of {shape.window}")
        if not RATES[0] <= shape.rate <= RATES[1] or shape.rate % RATE_UNIT:
            raise ValueError(f"it says a rate of {shape.rate} Hz, which no voice has")
        return DdspVoice.loaded(file.state, shape)


def version_of(state: Mapping[str, Tensor], config: VoiceConfig, path: Path) -> str:
    """Tell 6.0 to 6.3 apart; refuse what is older, later or changed, and say what it is.

    The order matters: later versions have some of the names of earlier ones.
    """
    if not any(name.startswith("ddsp_model.") for name in state):
        raise _unsupported(path, "it is a voice from before DDSP-SVC 6.0", TRAIN_AGAIN)
    _refuse_forks(state, path)
    first = f"{VELOCITY}residual_layers.0."
    if f"{first}condition_projection.weight" in state and f"{CONTROLS}stack.0.weight" in state:
        return "6.0"
    if f"{first}convmodule.net.2.weight" in state:
        # Both have the same names and shapes, and compute differently: only this key tells.
        return "6.1" if config.volume_window is None else "6.2"
    if _is_depthwise(state, f"{first}net.2.weight") and f"{VELOCITY}norm.weight" in state:
        return "6.3"
    if _is_depthwise(state, f"{first}net.1.weight"):
        raise _unsupported(
            path,
            "it is a voice of a program after DDSP-SVC 6.3, whose LYNXNet2 has other layers",
            f"Bring a voice of {SUPPORTED}.",
        )
    raise _unsupported(path, f"its tensors are not those of {SUPPORTED}", TRAIN_AGAIN)


def read_config(path: Path) -> VoiceConfig:
    """Read a configuration; keys that are not used here are ignored."""
    entries = _entries(path)

    def section(name: str) -> Mapping[str, Any]:
        found = entries.get(name)
        return found if isinstance(found, Mapping) else {}

    data, model, infer = section("data"), section("model"), section("infer")
    kind = _text(path, "model.type", model.get("type"), "")
    if kind != FLOW:
        told = f"{kind!r}, a type from before 6.0" if kind in OLDER else repr(kind)
        raise _unsupported(path, f"its model.type is {told}; {FLOW} is expected", TRAIN_AGAIN)
    encoder = _text(path, "data.encoder", data.get("encoder"), "contentvec768l12")
    if encoder not in ENCODERS:
        raise _unsupported(
            path,
            f"it was trained with the encoder {encoder!r}",
            f"Only {' and '.join(ENCODERS)} are read here: train it again with one of them.",
        )
    vocoder = _text(path, "vocoder.type", section("vocoder").get("type"), "nsf-hifigan")
    if vocoder not in VOCODERS:
        raise _unsupported(
            path,
            f"it wants the vocoder {vocoder!r}",
            f"Only {' and '.join(VOCODERS)} are known here.",
        )
    smooth, steps = data.get("volume_smooth_size"), infer.get("infer_step")
    return VoiceConfig(
        kind,
        ENCODERS[encoder],
        None if smooth is None else _whole(path, "data.volume_smooth_size", smooth, 2, 1 << 16),
        _number(path, "data.f0_min", data.get("f0_min", 65.0), 10.0, 2_000.0),
        _number(path, "data.f0_max", data.get("f0_max", 800.0), 10.0, 4_000.0),
        _number(path, "model.t_start", model.get("t_start", 0.0), 0.0, 1.0),
        VOCODERS[vocoder],
        None if steps is None else _whole(path, "infer.infer_step", steps, 1, 1_000),
        _method(path, infer.get("method")),
        model.get("use_pitch_aug") is True,
    )


def says_pitch_aug(path: Path) -> bool:
    """Tell whether a configuration says that the voice can move formants; a bad one does not."""
    try:
        return _says_pitch_aug(path, path.stat().st_mtime_ns)
    except OSError:
        return False


@lru_cache(maxsize=MOST_VOICES)
def _says_pitch_aug(path: Path, changed_ns: int) -> bool:
    try:
        return read_config(path).pitch_aug
    except Unavailable:
        return False


def _entries(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_CONFIG + 1)
    except OSError as error:
        raise unusable(path, f"it cannot be read: {error.strerror}") from error
    if len(data) > MOST_CONFIG:
        raise unusable(path, f"it has over {MOST_CONFIG} bytes")
    try:
        entries = yaml.safe_load(data.decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise unusable(
            path, f"it is no plain YAML: {' '.join(str(error).split())[:200]}"
        ) from error
    if not isinstance(entries, Mapping):
        raise unusable(path, "it is no configuration: keys with values are expected")
    return entries


def _refuse_forks(state: Mapping[str, Tensor], path: Path) -> None:
    names = [name for name in state if name.startswith(FORKS)]
    if any("conditioner_projection" in name for name in state):
        names += [name for name in state if re.search(r"residual_layers\.\d+\..*global", name)]
    if names:
        raise _unsupported(
            path,
            f"it is a voice of a changed program: {SUPPORTED} has no {names[0][:80]!r}",
            f"Bring a voice of {SUPPORTED} as its own program wrote it.",
        )


def _is_depthwise(state: Mapping[str, Tensor], name: str) -> bool:
    return name in state and state[name].dim() == 3


def _text(path: Path, key: str, value: object, default: str) -> str:
    if value is None:
        return default
    if not isinstance(value, str):
        raise unusable(path, f"{key} in it is {str(value)[:40]!r}; a text is expected")
    return value[:80]


def _number(path: Path, key: str, value: object, least: float, most: float) -> float:
    if value is None:
        value = least
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        told = f"a number from {least:g} to {most:g} is expected"
        raise unusable(path, f"{key} in it is {str(value)[:40]!r}; {told}")
    return float(value)


def _whole(path: Path, key: str, value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        told = f"a whole number from {least} to {most} is expected"
        raise unusable(path, f"{key} in it is {str(value)[:40]!r}; {told}")
    return value


def _method(path: Path, value: object) -> str:
    if value in (None, "auto"):
        return "euler"
    if value not in ("euler", "rk4"):
        raise unusable(path, f"infer.method in it is {str(value)[:40]!r}; euler or rk4 is expected")
    return str(value)


def _unsupported(path: Path, why: str, what_to_do: str) -> Unavailable:
    return Unavailable(f"{path} cannot be used: {why}.", code="bad_weights", hint=what_to_do)
