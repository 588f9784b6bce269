"""Chunks of a mel continue each other as in the published code."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from realtime.engines.gpt_sovits.networks.mel_continuation import KnownMel, continue_mel
from realtime.engines.gpt_sovits.networks.mel_sovits import RATES, MelRates
from realtime.engines.gpt_sovits.networks.resample import resample
from realtime.engines.gpt_sovits.networks.spectrogram import (
    PROMPT_MELS,
    denormalised,
    prompt_mel,
)
from tests.support.gpt_sovits_files import arguments, tensor
from tests.support.mel_networks import VERSIONS_WITH_MEL, cases_of, mel_network


@pytest.mark.parametrize("version", VERSIONS_WITH_MEL)
def test_from_a_clip_to_sound_it_is_as_in_the_published_code(version: str) -> None:
    cases, network = cases_of(version), mel_network()
    asked, mel_format = arguments(cases, "loop.args"), PROMPT_MELS[version]
    rates = replace(RATES[version], prompt=asked["T_ref"], chunk=asked["T_chunk"])
    frames = []

    def generate(features: Tensor, known: Tensor, number: int) -> Tensor:
        frames.append(features.shape[2])
        mel: Tensor = network.cfm(
            features, known, tensor(cases, f"loop.in.noise{number}"), asked["steps"]
        )
        return mel

    with torch.inference_mode():
        style = network.style_of([tensor(cases, "shared.in.refer0")], [])
        clip = tensor(cases, "loop.in.raw")
        sound = resample(clip, int(tensor(cases, "loop.in.raw_sr")), mel_format.sample_rate)
        prompt, line = (
            network.features(
                tensor(cases, f"loop.in.{prefix}codes"),
                tensor(cases, f"loop.in.{prefix}text"),
                style,
                rates,
            )
            for prefix in ("prompt_", "")
        )
        known = KnownMel(prompt_mel(sound, mel_format), prompt)
        mel = denormalised(torch.cat([*continue_mel(known, line, rates, generate)], dim=2))
    assert frames == asked["chunks"]
    expected = tensor(cases, "loop.out.mel")
    assert mel.shape == expected.shape and (mel - expected).abs().max() < 3e-3
    # The toy vocoder of the reference numbers.
    places = torch.arange(mel.shape[2] * asked["upsample_rate"])
    loud = mel[0].mean(0).repeat_interleave(asked["upsample_rate"]) / 12
    found = torch.sin(0.05 * places) * loud
    assert (found - tensor(cases, "loop.out.audio")).abs().max() < 1e-3


def numbered(first: int, count: int) -> Tensor:
    return torch.arange(first, first + count, dtype=torch.float32).view(1, 1, -1)


def test_each_chunk_follows_the_end_of_the_one_before() -> None:
    """The known mel must be that of the frames whose features are beside it."""
    rates = MelRates(2.0, 4.0, prompt=4, chunk=10)
    seen: list[tuple[list[float], list[float]]] = []

    def generate(features: Tensor, known: Tensor, number: int) -> Tensor:
        assert number == len(seen)
        seen.append((features[0, 0].tolist(), known[0, 0].tolist()))
        return torch.cat([torch.zeros_like(known), features[:, :, known.shape[2] :]], dim=2)

    known = KnownMel(numbered(100, 9), numbered(100, 7))
    found = torch.cat([*continue_mel(known, numbered(200, 14), rates, generate)], dim=2)
    assert torch.equal(found, numbered(200, 14))
    # Both are cut to the shorter one, and of that the last four frames are known.
    assert seen[0][1] == [103.0, 104.0, 105.0, 106.0]
    assert seen[1][1] == [202.0, 203.0, 204.0, 205.0]
    assert seen[2][1] == [208.0, 209.0, 210.0, 211.0]
    for features, before in seen:
        assert features[: len(before)] == before and len(features) <= rates.chunk


def test_a_short_clip_leaves_longer_chunks() -> None:
    rates = MelRates(2.0, 4.0, prompt=4, chunk=10)
    known = KnownMel(numbered(0, 2), numbered(0, 3))
    lengths: list[int] = []

    def generate(features: Tensor, known: Tensor, number: int) -> Tensor:
        lengths.append(features.shape[2])
        return features

    found = [*continue_mel(known, numbered(0, 17), rates, generate)]
    assert lengths == [10, 10, 3] and [part.shape[2] for part in found] == [8, 8, 1]
