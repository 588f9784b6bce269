"""The two files of a voice, read, recognised and made ready for the networks.

Both give their tensors by published name, in fp32, without what only training reads. The networks
then load them strictly, inside `torch_file.named_faults`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.engines.gpt_sovits.checkpoints import Config, read_checkpoint
from realtime.engines.gpt_sovits.lora import merge
from realtime.engines.gpt_sovits.versions import (
    Version,
    check_gpt,
    check_pair,
    is_lora,
    is_skipped,
    version_of,
)
from realtime.engines.gpt_sovits.weights import BASES, CONVERTED
from realtime.engines.torch_file import unusable
from realtime.settings import Settings
from realtime.weights import verified_path

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class VoiceFile:
    """A file of a voice: its tensors by published name and its configuration."""

    path: Path
    state: dict[str, Tensor]
    config: Config


@dataclass(frozen=True)
class VoiceFiles:
    """A voice's two files, which are known to go together."""

    version: Version
    gpt: VoiceFile
    sovits: VoiceFile


def open_voice(
    gpt_path: Path, sovits_path: Path, settings: Settings, stated: str | None = None
) -> VoiceFiles:
    """Read both files of a voice; `stated` is the version that the character's file says."""
    gpt, sovits = read_checkpoint(gpt_path), read_checkpoint(sovits_path)
    check_gpt(gpt)
    version = version_of(sovits, stated)
    check_pair(gpt, sovits, version)
    weight = sovits.weight
    if is_lora(sovits):
        weight = merge(_read_base(base_path(sovits_path, version, settings), version), sovits)
    state = {name: each.float() for name, each in weight.items() if not is_skipped(name, version)}
    return VoiceFiles(
        version,
        VoiceFile(gpt_path, {name: each.float() for name, each in gpt.weight.items()}, gpt.config),
        VoiceFile(sovits_path, state, sovits.config),
    )


def base_path(lora: Path, version: Version, settings: Settings) -> Path:
    """Find the base of a LoRA file: beside it, or in its place under `models/gpt_sovits/`."""
    file = BASES[version.name]
    beside = lora.with_name(Path(file.name).name)
    for path in (beside.with_name(beside.name + CONVERTED), beside):
        if path.is_file():
            return path
    return verified_path(file, settings)


def _read_base(path: Path, version: Version) -> dict[str, Tensor]:
    base = read_checkpoint(path)
    if is_lora(base):
        raise unusable(path, "it is a LoRA file, and a whole file was expected")
    version_of(base, version.name)
    return base.weight
