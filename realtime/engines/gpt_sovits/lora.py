"""LoRA files: small changes to a base file's tensors, merged into them when a voice is loaded.

A changed matrix is W + B·A. The factor before B·A is alpha / rank, and the makers' program always
trains with alpha = rank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from realtime.engines.gpt_sovits.checkpoints import Checkpoint
from realtime.engines.torch_file import unusable
from realtime.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor

WRAPPED = "base_model.model."  # between `cfm.` and the rest of a name, put there for training
# The library that trains them has called the only set of changes "default" for long.
CHANGE = re.compile(r"(?P<stem>.+)\.lora_(?P<part>[AB])(\.default)?\.weight")


def merge(base: Mapping[str, Tensor], lora: Checkpoint) -> dict[str, Tensor]:
    """Return the base's tensors with those of a LoRA file in, over or added to them.

    A change that the base has no place for is an Unavailable that names it.
    """
    merged = dict(base)
    changes: dict[str, dict[str, Tensor]] = {}
    for wrapped, value in lora.weight.items():
        name = wrapped.replace(f"cfm.{WRAPPED}", "cfm.")
        if (change := CHANGE.fullmatch(name)) is not None:
            changes.setdefault(change["stem"] + ".weight", {})[change["part"]] = value
            continue
        # What the base does not have is left over when the network is filled.
        if name in base and base[name].shape != value.shape:
            raise _misfit(lora, name, value, base[name])
        merged[name] = value
    for name, parts in changes.items():
        if name not in base or parts.keys() != {"A", "B"}:
            raise unusable(lora.path, f"a change of {name} has no counterpart")
        merged[name] = _changed(base[name], parts["A"], parts["B"], name, lora)
    return merged


def _changed(weight: Tensor, a: Tensor, b: Tensor, name: str, lora: Checkpoint) -> Tensor:
    rank = len(a)
    if a.shape != (rank, *weight.shape[1:]) or b.shape != (*weight.shape[:1], rank):
        raise _misfit(
            lora, f"the change of {name}", b if a.shape[1:] == weight.shape[1:] else a, weight
        )
    if lora.lora_rank is not None and rank != lora.lora_rank:
        raise unusable(lora.path, f"the change of {name} is of rank {rank}, not {lora.lora_rank}")
    # In fp32: a half-precision sum would lose the small change in the large weight.
    return weight.float() + b.float() @ a.float()


def _misfit(lora: Checkpoint, name: str, value: Tensor, place: Tensor) -> Unavailable:
    shapes = f"{tuple(value.shape)}, and its place in the base file is {tuple(place.shape)}"
    return unusable(lora.path, f"{name} is {shapes}")
