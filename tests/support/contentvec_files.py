"""Files of ContentVec in all the forms that people have, with small random weights."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import torch
from torch import Tensor

from realtime.networks.hubert import Hubert, HubertShape
from tests.support.foreign_classes import foreign_class, importable

# As wide as the published network, where voices see it, and small where they do not.
SMALL = HubertShape(inner=16, channels=16, position_groups=16, projected=256)
FAIRSEQ = [
    (r"^feature_projection\.layer_norm\.", "layer_norm."),
    (r"^feature_projection\.projection\.", "post_extract_proj."),
    (r"^encoder\.pos_conv_embed\.conv\.", "encoder.pos_conv.0."),
    (r"(conv_layers\.0)\.layer_norm\.", r"\1.2."),
    (r"(conv_layers\.\d+)\.conv\.", r"\1.0."),
    (r"(layers\.\d+)\.attention\.", r"\1.self_attn."),
    (r"(layers\.\d+)\.layer_norm\.", r"\1.self_attn_layer_norm."),
    (r"\.feed_forward\.intermediate_dense\.", ".fc1."),
    (r"\.feed_forward\.output_dense\.", ".fc2."),
]


@functools.cache
def small_state(shape: HubertShape = SMALL, seed: int = 0) -> dict[str, Tensor]:
    """Return weights by the names of transformers, in half precision; they must not be changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = Hubert(shape).state_dict()
    return {name: value.half() for name, value in state.items()}


def fairseq_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the same weights by the names of fairseq."""
    found = {}
    for name, value in state.items():
        for pattern, new in FAIRSEQ:
            name = re.sub(pattern, new, name)
        found[name] = value
    return found


def write_fairseq(
    path: Path, state: dict[str, Tensor] | None = None, *, archive: bool = True
) -> Path:
    """Write a checkpoint as fairseq does, with an object of its own program beside the tensors."""
    dictionary = foreign_class("fairseq.data.dictionary.Dictionary")
    held = dictionary()
    held.__dict__.update(symbols=["<s>", "0"], count=[1, 1])
    weights = fairseq_names(small_state() if state is None else state)
    weights |= {"mask_emb": torch.zeros(768), "label_embs_concat": torch.zeros(4, 256)}
    content = {
        "args": None,
        "cfg": {"model": {"_name": "hubert"}},
        "model": {
            **weights,
            "mask_emb": torch.zeros(768),
            "label_embs_concat": torch.zeros(4, 256),
        },
        "task_state": {"dictionaries": [held]},
        "last_optimizer_state": {"step": torch.zeros(1)},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with importable(dictionary):
        torch.save(content, path, _use_new_zipfile_serialization=archive)
    return path


def write_content(models: Path) -> Path:
    """Write what a voice needs, where the server looks for it."""
    return write_fairseq(models / "contentvec" / "hubert_base.pt")
