"""Voice files of RVC, `NAME.pth`: recognised, refused by name, and read; nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realtime import blocks
from realtime.engines.torch_file import check_tensors, named_faults, read_torch_file, unusable
from realtime.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.rvc.networks.synthesizer import RvcSynthesizer

SIZES = 18  # in the list of arguments
WIDTHS = {"v1": 256, "v2": 768}  # of content features
RATES = {"32k": 32_000, "40k": 40_000, "48k": 48_000}
FRAMES = 100  # a second
TRAINING_KEYS = frozenset({"model", "iteration", "optimizer", "learning_rate"})
CONTENT_NAMES = ("contentvec", "hubert_base", "hubert")  # one network under several names
PLAIN_VOCODERS = ("hifi-gan", "hifigan", "default", "nsf-hifigan")


@dataclass(frozen=True)
class RvcVoiceFile:
    """The content of a voice file."""

    path: Path
    weight: dict[str, Tensor]
    config: Sequence[Any]
    rate: int  # Hz of its sound
    version: str  # v1 | v2, which say what content features are
    has_pitch: bool
    info: str

    def network(self) -> RvcSynthesizer:
        """Build the voice's network; a fault of the file is an Unavailable that names it."""
        from realtime.engines.rvc.networks.synthesizer import RvcSynthesizer

        with named_faults(self.path):
            network = RvcSynthesizer.loaded(self.weight, self.config, self.rate)
        shape = network.shape
        if network.hop * FRAMES != self.rate:
            fault = f"its frames have {network.hop} samples, and {self.rate // FRAMES} make 10 ms"
            raise unusable(self.path, fault)
        if shape.content != WIDTHS[self.version]:
            fault = f"it says {self.version}, and takes features of {shape.content} numbers"
            raise unusable(self.path, fault)
        if bool(shape.pitches) != self.has_pitch:
            said, found = ("with", "no") if self.has_pitch else ("without", "a")
            raise unusable(self.path, f"it says {said} pitch, and has {found} table of pitches")
        return network


def read_voice(path: Path) -> RvcVoiceFile:
    """Read a voice; what is none is an Unavailable that says what it is, and what to do."""
    blocks.require_block(blocks.TORCH, "RVC")
    content = read_torch_file(path)
    if not isinstance(content, Mapping):
        raise unusable(path, "it is no voice of RVC, which has `weight` and `config`")
    weight, config = content.get("weight"), content.get("config")
    if not isinstance(weight, Mapping) or not isinstance(config, list | tuple):
        raise _no_voice(path, content)
    _refuse_relatives(path, content, config)
    return RvcVoiceFile(
        path,
        check_tensors(weight, path),
        config,
        _rate(path, config[-1], content.get("sr")),
        _version(path, content.get("version", "v1")),
        str(content.get("f0", 1)) not in ("0", "False"),
        str(content.get("info", ""))[:200],
    )


def _no_voice(path: Path, content: Mapping[Any, Any]) -> Unavailable:
    if TRAINING_KEYS & set(map(str, content)):
        return _foreign(
            path,
            "it is a file of a training, such as G_2333333.pth, and no voice",
            "Extract the small model in RVC's tab `ckpt Processing`, and bring that.",
        )
    return unusable(path, "it is no voice of RVC, which has `weight` and `config`")


def _refuse_relatives(path: Path, content: Mapping[Any, Any], config: Sequence[Any]) -> None:
    """Refuse files of programs that train other networks in the same format."""
    hint = "Bring a voice that was trained with RVC v1 or v2 and its own vocoder."
    version = str(content.get("version", ""))[:40]
    if version.startswith("voras"):
        raise _foreign(path, f"it is a voice of VoRAS ({version}), another network", hint)
    if len(config) == SIZES + 1:
        raise _foreign(path, "it is a voice of the DDPN fork, another network", hint)
    if len(config) != SIZES:
        raise unusable(path, f"its config has {len(config)} values, and RVC's has {SIZES}")
    vocoder = str(content.get("vocoder") or PLAIN_VOCODERS[0])[:40]
    if vocoder.lower() not in PLAIN_VOCODERS:
        raise _foreign(path, f"it was trained with Applio's vocoder {vocoder}", hint)
    features = str(content.get("embedder_model") or CONTENT_NAMES[0])[:60]
    if features.lower() not in CONTENT_NAMES:
        raise _foreign(path, f"it was trained with the features of {features}", hint)


def _rate(path: Path, stated: Any, short: Any) -> int:
    """Return the rate of the sound: a number, or such as `40k`."""
    found = RATES.get(str(stated), stated)
    if type(found) is not int or not 8_000 <= found <= 192_000 or found % FRAMES:
        raise unusable(path, f"its rate is {str(stated)[:20]!r} ({str(short)[:20]!r})")
    return found


def _version(path: Path, stated: Any) -> str:
    if stated not in WIDTHS:
        raise unusable(path, f"its version is {str(stated)[:20]!r}, and v1 and v2 are known")
    return str(stated)


def _foreign(path: Path, why: str, hint: str) -> Unavailable:
    return Unavailable(f"{path} cannot be used: {why}.", code="bad_weights", hint=hint)
