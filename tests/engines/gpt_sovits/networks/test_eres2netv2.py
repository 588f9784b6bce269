"""The vector of a voice is that of the published code."""

from __future__ import annotations

import pytest
import torch

from realtime.engines.gpt_sovits.networks.eres2netv2 import Eres2NetV2, kaldi_bands
from tests.support.gpt_sovits_files import full_size_keys, tensor, weights

FIXTURE = "eres2netv2_tiny"


def test_the_bands_are_those_of_kaldi() -> None:
    found = kaldi_bands(tensor(FIXTURE, "speaker.in.wav"))
    expected = tensor(FIXTURE, "speaker.out.fbank")
    assert found.shape == expected.shape and (found - expected).abs().max() < 1e-3


def test_the_vector_is_that_of_the_published_code() -> None:
    network = Eres2NetV2.loaded(weights(FIXTURE))
    with torch.inference_mode():
        found = network(kaldi_bands(tensor(FIXTURE, "speaker.in.wav")))
    expected = tensor(FIXTURE, "speaker.out.embedding")
    assert found.shape == expected.shape and (found - expected).abs().max() < 1e-2


def test_clips_in_a_batch_do_not_hear_each_other() -> None:
    network = Eres2NetV2.loaded(weights(FIXTURE))
    sound = tensor(FIXTURE, "speaker.in.wav")
    with torch.inference_mode():
        alone = network(kaldi_bands(sound))
        both = network(kaldi_bands(torch.cat([sound, sound.flip(1)])))
    assert torch.allclose(both[:1], alone, atol=1e-3) and not torch.allclose(both[1:], alone)


def test_nothing_may_be_missing_or_left_over_but_counts_of_training() -> None:
    state = weights(FIXTURE)
    less = {name: value for name, value in state.items() if "num_batches" not in name}
    Eres2NetV2.loaded(less)
    with pytest.raises(RuntimeError, match="Unexpected"):
        Eres2NetV2.loaded({**state, "more": torch.zeros(1)})
    del state["bn1.running_mean"]
    with pytest.raises(RuntimeError, match="Missing"):
        Eres2NetV2.loaded(state)


def test_the_full_size_file_has_the_same_names() -> None:
    def numberless(name: str) -> str:
        return ".".join("N" if part.isdigit() else part for part in name.split("."))

    small = {numberless(name) for name in weights(FIXTURE)}
    assert small == {numberless(name) for name in full_size_keys("sv")}
