"""The numbers of the published programs: sources, filters, sound, mels and the flow."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from realtime.engines.ddsp_svc.networks.comb_source import comb_source, frame_turns
from realtime.engines.ddsp_svc.networks.rectified_flow import normalised
from realtime.engines.ddsp_svc.networks.shapes import DdspShape
from realtime.engines.ddsp_svc.networks.unit2control import AttentionLayer, FrameInputs
from realtime.engines.ddsp_svc.networks.voice import DdspVoice
from realtime.networks.mel import MelFormat
from tests.support.converter_files import ConverterReference

VERSIONS = {
    "ddsp_6_tiny": "6.0",
    "ddsp_61_tiny": "6.1",
    "ddsp_61_attention_tiny": "6.1",
    "ddsp_62_tiny": "6.2",
    "ddsp_63_tiny": "6.3",
}
SOUND, MEL = 1e-4, 1e-3  # the agreement that is asked for


@cache
def load(name: str) -> tuple[ConverterReference, DdspVoice]:
    reference = ConverterReference(name)
    return reference, load_state(reference.state(), VERSIONS[name])


def load_state(state: dict[str, Tensor], version: str) -> DdspVoice:
    return DdspVoice.loaded(state, DdspShape.of(state, version))


def inputs_of(reference: ConverterReference, speakers: list[float] | None = None) -> FrameInputs:
    return FrameInputs(
        reference.tensor("in.units"),
        reference.tensor("in.f0")[..., 0],
        reference.tensor("in.volume")[..., 0],
        torch.tensor([speakers or [0.0, 1.0, 0.0]]),
        reference.tensor("in.aug_shift"),
    )


def format_of(reference: ConverterReference) -> MelFormat:
    mel = reference.facts("config")["mel"]
    sizes = (mel["sampling_rate"], mel["n_fft"], mel["hop_size"], mel["win_size"], mel["num_mels"])
    return MelFormat(*sizes, mel["fmin"], mel["fmax"])


def assert_near(found: Tensor, expected: Tensor, bound: float) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) < bound


@pytest.mark.parametrize("name", VERSIONS)
@torch.no_grad()
def test_sources_filters_and_sound_are_the_published_ones(name: str) -> None:
    reference, voice = load(name)
    inputs, noise = inputs_of(reference), reference.tensor("in.noise.ddsp")
    sources = voice.sources(inputs.pitch, noise)
    assert_near(sources.comb, reference.tensor("out.combtooth"), SOUND)
    if reference.has("out.phase_frames"):
        expected = reference.tensor("out.phase_frames")[..., 0]
        assert_near(2 * torch.pi * sources.phase, expected, SOUND)
    controls = voice.controls(inputs, sources)
    assert_near(controls, reference.tensor("out.controls"), SOUND)
    network: Any = voice.ddsp_model["unit2ctrl"]
    frames = (voice.framed(sources.comb), voice.framed(sources.noise))
    hidden = network.hidden(inputs, *frames, sources.phase)
    assert_near(hidden, reference.tensor("out.hidden"), SOUND)
    assert_near(voice.sound(inputs, noise), reference.tensor("out.ddsp_audio"), SOUND)


@pytest.mark.parametrize("name", VERSIONS)
@torch.no_grad()
def test_mels_and_the_flow_are_the_published_ones(name: str) -> None:
    reference, voice = load(name)
    sound = voice.sound(inputs_of(reference), reference.tensor("in.noise.ddsp"))
    mel = voice.mel(sound, format_of(reference))
    assert_near(mel.transpose(1, 2), reference.tensor("out.ddsp_mel"), MEL)
    rough = reference.tensor("out.ddsp_mel").transpose(1, 2)
    moved = voice.reflow_model["velocity_fn"](normalised(rough), torch.tensor([312.5]), rough)
    assert_near(moved, reference.tensor("out.velocity")[:, 0], MEL)
    noise = reference.tensor("in.noise.reflow")[:, 0]
    for method, steps in (("euler", 4), ("rk4", 2)):
        for start in (0.7, 0.0):
            fine = voice.refine(mel, noise, start=start, steps=steps, method=method)
            expected = reference.tensor(
                f"out.mel_{method}{'' if method == 'euler' else '_'}{steps}_t{start:g}"
            )
            assert_near(fine.transpose(1, 2), expected, MEL)
    as_it_is = voice.refine(mel, noise, start=1.0, steps=4)
    assert_near(as_it_is.transpose(1, 2), reference.tensor("out.mel_t1"), MEL)


@pytest.mark.parametrize("name", VERSIONS)
@torch.no_grad()
def test_a_mix_of_speakers_and_a_late_begin_are_the_published_ones(name: str) -> None:
    reference, voice = load(name)
    noise = reference.tensor("in.noise.ddsp")
    mixed = voice.mel(
        voice.sound(inputs_of(reference, [0.3, 0.0, 0.7]), noise), format_of(reference)
    )
    fine = voice.refine(mixed, reference.tensor("in.noise.reflow")[:, 0], start=0.7, steps=4)
    assert_near(fine.transpose(1, 2), reference.tensor("out.mel_mix"), MEL)
    late = reference.tensor("in.noise.reflow_late")[:, 0]
    hop = voice.shape.hop
    sound = voice.sound(inputs_of(reference), noise)[:, 7 * hop :]  # of 7.6 frames
    fine = voice.refine(voice.mel(sound, format_of(reference)), late, start=0.7, steps=4)
    assert_near(fine.transpose(1, 2), reference.tensor("out.mel_silence_front"), MEL)


def test_a_tensor_that_is_missing_or_unknown_is_an_error() -> None:
    reference, _ = load("ddsp_61_tiny")
    state = reference.state()
    with pytest.raises(RuntimeError, match="own.weight"):
        load_state(state | {"ddsp_model.own.weight": torch.ones(1)}, "6.1")
    del state["reflow_model.velocity_fn.norm.bias"]
    with pytest.raises(RuntimeError, match="velocity_fn.norm.bias"):
        load_state(state, "6.1")


def test_the_equal_keys_of_61_and_62_have_unequal_arithmetic() -> None:
    reference, voice = load("ddsp_61_tiny")
    other = load_state(reference.state(), "6.2")
    mel, noise = torch.zeros(1, 24, 9), torch.ones(1, 24, 9)
    found, changed = (each.refine(mel, noise, start=0.0, steps=1) for each in (voice, other))
    assert float((found - changed).abs().max()) > 0.01


def test_attention_takes_one_stream() -> None:
    with pytest.raises(ValueError, match="one stream"):
        AttentionLayer(8)(torch.zeros(2, 3, 8))


def test_a_source_that_goes_on_is_that_of_one_go() -> None:
    """The phase is carried from window to window, whatever their lengths."""
    torch.manual_seed(1)
    pitch = 80.0 + 400.0 * torch.rand(1, 40, dtype=torch.float64)
    whole, phases = comb_source(pitch, 44100, 64)
    turns = frame_turns(pitch, 44100, 64)
    for first in (1, 13, 39):
        start = float(turns[:, :first].sum()) % 1.0
        later, later_phases = comb_source(pitch[:, first:], 44100, 64, start)
        torch.testing.assert_close(later, whole[:, first * 64 :], atol=1e-5, rtol=0)
        torch.testing.assert_close(later_phases, phases[:, first:], atol=1e-6, rtol=0)


def test_the_pulses_have_the_pitch() -> None:
    sound, _ = comb_source(torch.full((1, 100), 441.0), 44100, 441)
    peaks = (sound[0] > 0.99).nonzero().flatten()
    assert peaks.numel() > 400 and set(peaks.diff().tolist()) == {100}
