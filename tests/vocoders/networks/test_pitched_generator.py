"""Generators with a source of harmonics give the numbers of the originals."""

from __future__ import annotations

import dataclasses
import functools

import pytest
import torch
from torch import Tensor

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.vocoders.networks.pitched_generator import LOG10, PitchedGenerator, PitchedShape
from tests.support.converter_files import ConverterReference

FULL, SMALL = "nsf_hifigan_tiny", "nsf_hifigan_mini_tiny"
PARTS = 24  # frames of the recordings in the files


@functools.cache
def load(name: str) -> tuple[ConverterReference, PitchedGenerator]:
    reference = ConverterReference(name)
    config = reference.facts("config")
    known = {field.name for field in dataclasses.fields(PitchedShape)}
    shape = PitchedShape(
        config["num_mels"],
        rate=config["sampling_rate"],
        sine=config.get("mini_nsf", False),
        **{key: value for key, value in config.items() if key in known},
    )
    network = PitchedGenerator(shape)
    network.load_state_dict(fold_weight_norm(reference.state()))
    return reference, network.eval().requires_grad_(False)


def noise_of(reference: ConverterReference) -> tuple[Tensor | None, Tensor | float]:
    if not reference.has("in.noise.source"):
        return None, 0.0
    return reference.tensor("in.noise.source"), reference.tensor("in.noise.phases")


def assert_near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", [FULL, SMALL])
def test_the_sound_is_that_of_the_original(name: str, fast: bool) -> None:
    reference, network = load(name)
    assert (network.fast() if fast else network.plain()) is network
    noise, offsets = noise_of(reference)
    mel = reference.tensor("in.mel")
    with torch.inference_mode():
        source = network.source(reference.tensor("in.f0"), noise, offsets=offsets).signal
        assert_near(source.flatten(), reference.tensor("out.source").flatten())
        assert_near(network(mel, source=source), reference.tensor("out.audio"))
        assert_near(network(mel * LOG10, source=source), reference.tensor("out.audio_log10"))


@pytest.mark.parametrize("name", [FULL, SMALL])
def test_a_mel_in_two_parts_with_frames_around_them_sounds_as_the_whole(name: str) -> None:
    reference, network = load(name)
    noise, offsets = noise_of(reference)
    mel, pitch = reference.tensor("in.mel"), reference.tensor("in.f0")
    reach = network.reach()
    first = 20 - reach.before
    assert first > 0, "the second part begins behind the first frame"
    with torch.inference_mode():
        source = network.source(pitch, noise, offsets=offsets)
        whole = network(mel, source=source.signal)
        each = source.signal.shape[2] // PARTS
        part = network(mel[..., first:], source=source.signal[..., first * each :])
    assert_near(part[..., reach.before * network.hop :], whole[..., 20 * network.hop :])


def test_each_input_changes_the_sound() -> None:
    reference, network = load(FULL)
    noise, offsets = noise_of(reference)
    pitch = reference.tensor("in.f0")
    assert noise is not None and isinstance(offsets, Tensor)
    with torch.inference_mode():
        usual = network.source(pitch, noise, 0.0, offsets).signal
        for changed in (
            network.source(pitch * 1.01, noise, 0.0, offsets),
            network.source(pitch, noise + 1, 0.0, offsets),
            network.source(pitch, noise, 0.25, offsets),
            network.source(pitch, noise, 0.0, offsets + 0.25),
        ):
            assert (changed.signal - usual).abs().max() > 1e-2


def test_a_source_that_cannot_be_made_coarser_exactly_is_refused() -> None:
    with pytest.raises(ValueError, match="coarser"):
        PitchedGenerator(PitchedShape(upsample_rates=(2, 3), upsample_kernel_sizes=(4, 5)))
