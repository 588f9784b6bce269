"""LoRA files: small changes to a base file's tensors, merged into them when a voice is loaded.

A changed matrix is W + B·A. The factor before B·A is alpha / rank, and the makers' program always
trains with alpha = rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from realtime.engines.gpt_sovits.checkpoints import Checkpoint
from realtime.engines.torch_file import unusable

if TYPE_CHECKING:
    from torch import Tensor

WRAPPED = "base_model.model."  # between `cfm.` and the rest of a name, put there for training
A, B = ".lora_A.default.weight", ".lora_B.default.weight"


def merge(base: Mapping[str, Tensor], lora: Checkpoint) -> dict[str, Tensor]:
    """Return the base's tensors with those of a LoRA file in, over or added to them.

    A change that the base has no place for is an Unavailable that names it.
    """
    merged = dict(base)
    changes = {name.replace(f"cfm.{WRAPPED}", "cfm."): each for name, each in lora.weight.items()}
    for name, value in changes.items():
        if name.endswith((A, B)):
            continue
        # A buffer that the base does not keep is one that is computed.
        if name in base and base[name].shape != value.shape:
            raise _misfit(lora, name, value, base[name])
        merged[name] = value
    for name in changes:
        if name.endswith((A, B)):
            stem = name.removesuffix(A).removesuffix(B)
            if stem + ".weight" not in base or not {stem + A, stem + B} <= changes.keys():
                raise unusable(lora.path, f"{name} has no counterpart in it or in its base file")
        if name.endswith(A):
            merged[stem + ".weight"] = _changed(base, changes, stem, lora)
    return merged


def _changed(
    base: Mapping[str, Tensor], changes: Mapping[str, Tensor], stem: str, lora: Checkpoint
) -> Tensor:
    weight, a, b = base[stem + ".weight"], changes[stem + A], changes[stem + B]
    fits = weight.dim() == 2 and a.shape == (len(a), weight.shape[1])
    if not fits or b.shape != (weight.shape[0], len(a)):
        raise _misfit(lora, stem + A, a, weight)
    if lora.lora_rank is not None and len(a) != lora.lora_rank:
        raise unusable(lora.path, f"{stem + A} is of rank {len(a)}, not of {lora.lora_rank}")
    # In fp32: a half-precision sum would lose the small change in the large weight.
    return weight.float() + b.float() @ a.float()


def _misfit(lora: Checkpoint, name: str, value: Tensor, place: Tensor) -> Exception:
    shapes = f"{tuple(value.shape)}, and its place in the base file is {tuple(place.shape)}"
    return unusable(lora.path, f"{name} is {shapes}")
