"""Checkpoints of GPT-SoVITS, and their converted form; nothing in them is executed.

A checkpoint holds tensors by name and a configuration. That of SoVITS is an object of a class of
its makers: a stub stands in for it, and it becomes plain dictionaries at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realtime import blocks
from realtime.engines.safetensors_file import Metadata, read_safetensors
from realtime.engines.torch_file import check_tensors, read_torch_file, unusable

if TYPE_CHECKING:
    from torch import Tensor

CLASS = "utils.HParams"  # as the makers' program calls the class of its configuration
KIND = "gpt-sovits"  # of a converted file, which says so in its metadata
START = 8192  # bytes of a file, by whose MD5 the published ones are known
MOST_DEPTH, MOST_VALUES = 8, 10_000  # of a configuration; the published ones have 3 and 100
Config = dict[str, Any]


class HParams:
    """A stub for the class of the makers: it has no methods, and its attributes are the values."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of a file, as it is; `versions` says what it is for."""

    path: Path
    weight: dict[str, Tensor]
    config: Config
    head: str  # the first two bytes: "PK", or the digits that some programs write over them
    start_md5: str  # of the first bytes
    info: str = ""
    lora_rank: int | None = None

    @property
    def metadata(self) -> Metadata:
        """Return all but the tensors, as a converted file keeps it."""
        kept = {"kind": KIND, "config": json.dumps(self.config), "head": self.head}
        rank = {} if self.lora_rank is None else {"lora_rank": str(self.lora_rank)}
        return {**kept, "start_md5": self.start_md5, "info": self.info, **rank}


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; what cannot be used is an Unavailable that says what was expected."""
    blocks.require_block(blocks.TORCH, "GPT-SoVITS")
    if path.suffix == ".safetensors":
        return _read_converted(path)
    content = read_torch_file(path, {CLASS: HParams})
    if not isinstance(content, Mapping) or not isinstance(content.get("weight"), Mapping):
        raise unusable(path, "it is no checkpoint of GPT-SoVITS, which has `weight` and `config`")
    with path.open("rb") as file:
        start = file.read(START)
    return Checkpoint(
        path,
        check_tensors(content["weight"], path),
        _config(content.get("config"), path),
        start[:2].decode("latin-1"),
        hashlib.md5(start, usedforsecurity=False).hexdigest(),
        str(content.get("info", ""))[:200],
        _rank(content.get("lora_rank"), path),
    )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file of tensors alone, as those of HuBERT, BERT and the speaker vector are."""
    blocks.require_block(blocks.TORCH, "GPT-SoVITS")
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    return check_tensors(read_torch_file(path), path)


def _read_converted(path: Path) -> Checkpoint:
    weight, kept = read_safetensors(path)
    if kept.get("kind") != KIND:
        raise unusable(path, "it is no checkpoint of GPT-SoVITS that `weights convert` wrote")
    try:
        config = json.loads(kept["config"])
        rank = int(kept["lora_rank"]) if "lora_rank" in kept else None
        head, start_md5 = kept["head"], kept["start_md5"]
    except (KeyError, ValueError, RecursionError) as error:
        raise unusable(path, "what it says of itself is damaged") from error
    config = _config(config, path)
    return Checkpoint(
        path, weight, config, head, start_md5, kept.get("info", ""), _rank(rank, path)
    )


def _config(value: Any, path: Path) -> Config:
    """Return a configuration as plain dictionaries, lists, texts and numbers."""
    left = MOST_VALUES

    def plain(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if depth > MOST_DEPTH or left < 0:
            raise unusable(path, "its configuration is too large")
        if isinstance(value, HParams):
            value = vars(value)
        if isinstance(value, Mapping):
            return {str(name): plain(each, depth + 1) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each, depth + 1) for each in value]
        if value is None or isinstance(value, str | int | float):
            return value
        raise unusable(path, f"its configuration holds a {type(value).__name__}")

    config = plain(value, 0)
    if not isinstance(config, dict):
        raise unusable(path, "it has no configuration")
    return config


def _rank(value: Any, path: Path) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value <= 1024):
        raise unusable(path, "its lora_rank is no whole number from 1 to 1024")
    return value
