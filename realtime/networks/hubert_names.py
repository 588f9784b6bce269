"""The names that files of HuBERT and ContentVec give their tensors, made those of `Hubert`.

Files are of two programs: fairseq, with which these networks were trained, and transformers, whose
names `Hubert` has. Each tensor's name tells which one wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

PREFIX = "hubert."  # before the names of a network that stands in a larger one
# Training reads these alone: stand-ins for hidden features, targets, and what spells words.
TRAINING = ("masked_spec_embed", "mask_emb", "label_embs_concat", "lm_head.")
CONV = r"feature_extractor\.conv_layers\.(\d+)\."
LAYER = r"encoder\.layers\.(\d+)\."
# Patterns of fairseq's names, and how transformers has them.
RENAMED = [
    (re.compile(pattern), name)
    for pattern, name in (
        (CONV + r"0\.", r"feature_extractor.conv_layers.\1.conv."),
        (CONV + r"2\.1\.", r"feature_extractor.conv_layers.\1.layer_norm."),  # the large kind
        (CONV + r"2\.", r"feature_extractor.conv_layers.\1.layer_norm."),
        (r"layer_norm\.", "feature_projection.layer_norm."),
        (r"post_extract_proj\.", "feature_projection.projection."),
        (r"encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.conv."),
        (LAYER + r"self_attn\.", r"encoder.layers.\1.attention."),
        (LAYER + r"self_attn_layer_norm\.", r"encoder.layers.\1.layer_norm."),
        (LAYER + r"fc1\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
        (LAYER + r"fc2\.", r"encoder.layers.\1.feed_forward.output_dense."),
    )
]


def hubert_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under the names of `Hubert`, without those that only training reads."""
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        plain = name.removeprefix(PREFIX)
        if plain.startswith(TRAINING):
            continue
        renamed = _renamed(plain)
        if renamed in found:
            raise ValueError(f"two tensors are {renamed}")
        found[renamed] = value
    return found


def _renamed(name: str) -> str:
    for pattern, new in RENAMED:
        if pattern.match(name):
            return pattern.sub(new, name, count=1)
    return name
