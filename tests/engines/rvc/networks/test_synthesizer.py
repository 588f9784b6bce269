"""The sound of the published code, whole and as it is made live."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from realtime.engines.rvc.networks.synthesizer import RvcSynthesizer
from realtime.vocoders.networks.pitched_generator import PitchedGenerator
from tests.support.converter_files import ConverterReference

VOICES = ["rvc_v2_40k_tiny", "rvc_v2_48k_tiny", "rvc_v1_tiny", "rvc_v2_32k_nof0_tiny"]
WITH_PITCH = VOICES[:3]


@functools.cache
def load(name: str) -> tuple[ConverterReference, RvcSynthesizer]:
    reference = ConverterReference(name)
    config = reference.facts("config")["config"]
    return reference, RvcSynthesizer.loaded(reference.state(), config, config[-1])


def coarse_of(reference: ConverterReference) -> Tensor | None:
    return reference.tensor("in.pitch") if reference.has("in.pitch") else None


def source_of(
    reference: ConverterReference, network: RvcSynthesizer, noise: str, frames: slice, by: float = 1
) -> Tensor | None:
    if not isinstance(network.dec, PitchedGenerator):
        return None
    pitch = reference.tensor("in.pitchf")[:, frames] * by
    return network.dec.source(pitch, reference.tensor(noise)).signal


def assert_near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", VOICES)
def test_a_recording_sounds_as_in_the_original(name: str, fast: bool) -> None:
    reference, network = load(name)
    _ = network.dec.fast() if fast else network.dec.plain()
    coarse, style = coarse_of(reference), network.style(3)
    with torch.inference_mode():
        mean, log_spread = network.enc_p(reference.tensor("in.phone"), coarse)
        noise = reference.tensor("in.noise.z")
        latent = network.latent(reference.tensor("in.phone"), coarse, noise, style)
        source = source_of(reference, network, "in.noise.source", slice(None))
        assert_near(mean, reference.tensor("out.m"))
        assert_near(log_spread, reference.tensor("out.logs"))
        assert_near(latent, reference.tensor("out.z"))
        if source is not None:
            assert_near(source.transpose(1, 2), reference.tensor("out.source"))
        assert_near(network.sound(latent, style, source), reference.tensor("out.audio"))


@pytest.mark.parametrize("name", VOICES)
def test_a_shorter_recording_is_the_sound_of_its_frames(name: str) -> None:
    """The original pads with zeros, and decodes them too."""
    reference, network = load(name)
    coarse, style = coarse_of(reference), network.style(3)
    with torch.inference_mode():
        latent = network.latent(
            reference.tensor("in.phone")[:, :-7],
            None if coarse is None else coarse[:, :-7],
            reference.tensor("in.noise.z")[..., :-7],
            style,
        )
        source = source_of(reference, network, "in.noise.source", slice(None))
        sound = network.sound(functional.pad(latent, (0, 7)), style, source)
    assert_near(sound, reference.tensor("out.audio_short7"))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param(20, "out.audio_skip12_return20", id="as they are"),
        pytest.param(23, "out.audio_formant2", id="stretched for other formants"),
    ],
)
@pytest.mark.parametrize("name", VOICES)
def test_a_part_sounds_as_the_original_makes_it_live(name: str, frames: int, expected: str) -> None:
    reference, network = load(name)
    style = network.style(3)
    with torch.inference_mode():
        latent = network.latent(
            reference.tensor("in.phone"),
            coarse_of(reference),
            reference.tensor("in.noise.z_rt"),
            style,
        )[..., 12:32]
        by = frames / 20
        source = source_of(reference, network, "in.noise.source_rt", slice(12, 32), by)
        if frames == 20:
            sound = network.sound(latent, style, source)
        else:
            sound = network.stretched_sound(latent, style, source, frames)
        assert_near(sound, reference.tensor(expected))


def test_two_speakers_sound_different() -> None:
    reference, network = load("rvc_v2_40k_tiny")
    with torch.inference_mode():
        sounds = [
            network.latent(
                reference.tensor("in.phone"),
                coarse_of(reference),
                reference.tensor("in.noise.z"),
                network.style(speaker),
            )
            for speaker in (0, 3)
        ]
    assert (sounds[0] - sounds[1]).abs().max() > 1e-2


def test_the_later_latent_frames_do_not_need_the_noise_of_all() -> None:
    """A live window computes the flow for its last frames, and what these depend on."""
    reference, network = load("rvc_v2_40k_tiny")
    style, noise = network.style(3), reference.tensor("in.noise.z")
    with torch.inference_mode():
        content, coarse = reference.tensor("in.phone"), coarse_of(reference)
        whole = network.latent(content, coarse, noise, style)
        kept = network.latent(content, coarse, noise[..., -10 - network.flow.reach :], style)
    assert_near(kept[..., -10:], whole[..., -10:])


@pytest.mark.parametrize("key", ["flow.flows.2.post.bias", "dec.conv_pre.weight"])
def test_a_missing_tensor_is_an_error(key: str) -> None:
    reference, _ = load("rvc_v2_40k_tiny")
    state = reference.state()
    del state[key]
    with pytest.raises((RuntimeError, KeyError), match=key):
        RvcSynthesizer.loaded(state, reference.facts("config")["config"], 40_000)
