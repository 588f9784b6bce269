"""The sizes of a SoVITS network, read from its tensors and its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class SovitsShape:
    """The sizes; what no tensor shows comes from the configuration of the checkpoint."""

    ssl: int  # of the features that codes stand for
    hidden: int
    inner: int  # of the convolutions in an encoder
    latent: int
    phones: int  # rows of the text's table
    heads: int
    layers: int  # of the text's encoder
    kernel: int
    cross: int  # where codes and text meet
    style: int
    style_inner: int
    bins: int  # of a reference's spectrogram, the lowest ones
    speaker: int  # of a speaker vector; 0: none
    has_flow_matching: bool  # v3 and v4, which make mel frames in place of sound
    decoder: Mapping[str, Any]  # arguments of the generator

    @staticmethod
    def of(state: Mapping[str, Tensor], model: Mapping[str, Any]) -> SovitsShape:
        """Read the sizes of a state whose weight norm is folded; KeyError names what is missing."""

        def size(name: str, axis: int = 0) -> int:
            return int(state[name].shape[axis])

        has_flow_matching = not any(name.startswith("dec.") for name in state)
        pro = "sv_emb.weight" in state
        return SovitsShape(
            ssl=size("ssl_proj.weight"),
            hidden=size("enc_p.ssl_proj.weight"),
            inner=size("enc_p.encoder_text.ffn_layers.0.conv_1.weight"),
            latent=0 if has_flow_matching else size("enc_p.proj.weight") // 2,
            phones=size("enc_p.text_embedding.weight"),
            heads=int(model["n_heads"]),
            layers=int(model["n_layers"]),
            kernel=size("enc_p.encoder_text.ffn_layers.0.conv_1.weight", 2),
            cross=size("enc_p.mrte.c_pre.weight"),
            style=size("ref_enc.fc.fc.weight"),
            style_inner=size("ref_enc.spectral.0.fc.weight"),
            bins=size("ref_enc.spectral.0.fc.weight", 1),
            speaker=size("sv_emb.weight", 1) if pro else 0,
            has_flow_matching=has_flow_matching,
            decoder={} if has_flow_matching else _decoder_arguments(state, model),
        )


def _decoder_arguments(state: Mapping[str, Tensor], model: Mapping[str, Any]) -> dict[str, Any]:
    width, latent, _ = state["dec.conv_pre.weight"].shape
    kernels: Sequence[int] = [
        state[f"dec.ups.{stage}.weight"].shape[2] for stage in range(len(model["upsample_rates"]))
    ]
    return {
        "initial_channel": latent,
        "resblock": str(model["resblock"]),
        "resblock_kernel_sizes": model["resblock_kernel_sizes"],
        "resblock_dilation_sizes": model["resblock_dilation_sizes"],
        "upsample_rates": model["upsample_rates"],
        "upsample_initial_channel": width,
        "upsample_kernel_sizes": kernels,
        "gin_channels": state["dec.cond.weight"].shape[1],
        "is_bias": "dec.conv_post.bias" in state,
    }
