"""Sizes of a voice's networks, read from its tensors and its list of arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from realtime.vocoders.networks.pitched_generator import PitchedShape

# Places in the published list of arguments; all other sizes stand in the tensors.
LATENT, KIND, KERNELS, DILATIONS, RATES = 2, 9, 10, 11, 12
MOST_PARTS = 16  # of a list of sizes; the published ones have 5 at most
MOST_SIZE = 64  # of a kernel, a rate or a dilation; the published ones have 24 at most


@dataclass(frozen=True)
class RvcShape:
    """The sizes of the text encoder, the flow and the generator."""

    content: int  # numbers of a content feature: 256 in v1, 768 in v2
    hidden: int
    inner: int  # of the encoder's convolutions
    heads: int
    layers: int
    kernel: int
    window: int  # places to each side whose distance the encoder knows
    latent: int
    flow_layers: int
    speakers: int
    style: int
    pitches: int  # rows of the table of pitches; 0: a voice without pitch
    decoder: PitchedShape

    @staticmethod
    def of(state: Mapping[str, Tensor], config: Sequence[Any], rate: int) -> RvcShape:
        """Read the sizes of a state whose weight norm is folded; KeyError names what is missing."""

        def size(name: str, axis: int = 0) -> int:
            return int(state[name].shape[axis])

        distances = "enc_p.encoder.attn_layers.0.emb_rel_k"
        hidden, pitches = size("enc_p.emb_phone.weight"), "enc_p.emb_pitch.weight"
        return RvcShape(
            content=size("enc_p.emb_phone.weight", 1),
            hidden=hidden,
            inner=size("enc_p.encoder.ffn_layers.0.conv_1.weight"),
            heads=hidden // size(distances, 2),
            layers=_count(state, "enc_p.encoder.attn_layers.{}.conv_q.weight"),
            kernel=size("enc_p.encoder.ffn_layers.0.conv_1.weight", 2),
            window=size(distances, 1) // 2,
            latent=size("enc_p.proj.weight") // 2,
            flow_layers=_count(state, "flow.flows.0.enc.in_layers.{}.weight"),
            speakers=size("emb_g.weight"),
            style=size("emb_g.weight", 1),
            pitches=size(pitches) if pitches in state else 0,
            decoder=_decoder(state, config, rate),
        )


def _decoder(state: Mapping[str, Tensor], config: Sequence[Any], rate: int) -> PitchedShape:
    rates, kernels = _sizes(config[RATES]), _sizes(config[KERNELS])
    dilations = tuple(_sizes(each) for each in _list(config[DILATIONS]))
    width, latent, _ = state["dec.conv_pre.weight"].shape
    sizes = [int(state[f"dec.ups.{stage}.weight"].shape[2]) for stage in range(len(rates))]
    return PitchedShape(
        initial_channel=latent,
        resblock=str(config[KIND]),
        resblock_kernel_sizes=kernels,
        resblock_dilation_sizes=dilations,
        upsample_rates=rates,
        upsample_initial_channel=width,
        upsample_kernel_sizes=sizes,
        gin_channels=int(state["dec.cond.weight"].shape[1]),
        is_bias="dec.conv_post.bias" in state,
        rate=rate,
        harmonics=1,
    )


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_PARTS:
        raise ValueError("its config has no list of sizes where one was expected")
    return value


def _sizes(value: Any) -> tuple[int, ...]:
    found = tuple(_list(value))
    if not all(type(each) is int and 1 <= each <= MOST_SIZE for each in found):
        raise ValueError("its config has a size that no voice has")
    return found


def _count(state: Mapping[str, Tensor], name: str) -> int:
    count = 0
    while name.format(count) in state:
        count += 1
    return count
