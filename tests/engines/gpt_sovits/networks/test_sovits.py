"""The sound of the published code, as a whole and in chunks; codes and styles of references."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from torch import Tensor

from realtime.engines.gpt_sovits.codes import FRAMES
from realtime.engines.gpt_sovits.networks.content_encoder import change_speed
from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder, Style
from tests.support.gpt_sovits_files import Reference

VERSIONS = ["sovits_v2_tiny", "sovits_v2proplus_tiny"]
CASES = ["plain", "two_fast", "two_slow"]
NOT_FOR_INFERENCE = ("inited", "cluster_size", "embed_avg")


@cache
def load(version: str) -> tuple[Reference, SovitsDecoder]:
    reference = Reference(version)
    state = reference.state()
    for name in [name for name in state if name.endswith(NOT_FOR_INFERENCE)]:
        del state[name]
    return reference, SovitsDecoder.loaded(state, reference.facts("config")["model"])


def make_style(reference: Reference, network: SovitsDecoder, count: int) -> Style:
    spectrograms = [reference.tensor(f"shared.in.refer{number}") for number in range(count)]
    speakers: list[Tensor] = []
    if network.shape.speaker:
        speakers = [reference.tensor(f"shared.in.sv{number}") for number in range(count)]
    with torch.no_grad():
        return network.style_of(spectrograms, speakers)


def speak(
    network: SovitsDecoder,
    codes: Tensor,
    text: Tensor,
    style: Style,
    noise: Tensor,
    speed: float = 1.0,
) -> Tensor:
    """Speak a line as a whole, as the published code does where nothing streams."""
    hidden = change_speed(network.content_of(codes, text, style), speed)
    return network.sound(network.latent(hidden, noise), style)


def blend_frames(frames: Tensor, before: Tensor, count: int) -> Tensor:
    """Let the first frames rise by a sine while the last ones of the chunk before fall away.

    It is the published curve: the squares of both add up to 1, not the values.
    """
    if not count:
        return frames
    step = torch.arange(2 * count, device=frames.device, dtype=frames.dtype)
    curve = torch.sin(math.pi * step / (2 * count))
    joined = curve[:count] * frames[..., :count] + curve[count:] * before[..., -count:]
    return torch.cat([joined, frames[..., count:]], dim=-1)


def assert_near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_a_line_sounds_as_in_the_original(version: str, case: str) -> None:
    reference, network = load(version)
    facts = reference.facts(f"{case}.args")
    style = make_style(reference, network, facts["refers"])
    codes, text = (reference.tensor(f"shared.in.{name}") for name in ("codes", "text"))
    with torch.no_grad():
        sound = speak(
            network, codes, text, style, reference.tensor(f"{case}.in.noise"), facts["speed"]
        )
    assert_near(sound, reference.tensor(f"{case}.out.audio"))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_lies_between_is_as_in_the_original(version: str) -> None:
    reference, network = load(version)
    style = make_style(reference, network, 1)
    codes, text = (reference.tensor(f"shared.in.{name}") for name in ("codes", "text"))
    with torch.no_grad():
        hidden = network.content_of(codes, text, style)
        mean, log_spread = network.enc_p.latent(hidden)
        frames = network.flow(
            network.latent(hidden, reference.tensor("plain.in.noise")), style.whole
        )
    for name, found in {"y": hidden, "mean": mean, "logs": log_spread, "z": frames}.items():
        assert_near(found, reference.tensor(f"plain.out.{name}"))


@pytest.mark.parametrize("version", VERSIONS)
def test_chunks_sound_as_in_the_original(version: str) -> None:
    """The published streaming: all codes so far are encoded, and the new frames blended in."""
    reference, network = load(version)
    facts = reference.facts("stream.args")
    style = make_style(reference, network, 1)
    codes, text = (reference.tensor(f"shared.in.{name}") for name in ("codes", "text"))
    before: Tensor | None = None
    for number, count in enumerate((facts["first"], len(codes))):
        with torch.no_grad():
            hidden = network.content_of(codes[:count], text, style)
            if before is not None:
                hidden = hidden[..., -FRAMES * facts["result_length"] :]
                hidden = blend_frames(hidden, before, facts["overlap_frames"])
            latent = network.latent(hidden, reference.tensor(f"stream.in.noise{number}"))
            sound = network.sound(latent, style)
        assert_near(hidden, reference.tensor(f"stream.out.latent{number}"))
        assert_near(sound, reference.tensor(f"stream.out.audio{number}"))
        before = hidden


@pytest.mark.parametrize("version", VERSIONS)
def test_frames_that_are_known_are_not_decoded_again(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, network = load(version)
    style = make_style(reference, network, 1)
    generator = torch.Generator().manual_seed(5)
    latent = torch.randn(1, network.shape.latent, 120, generator=generator)
    first, context, hop = 60, network.context, network.hop
    decoded: list[int] = []
    decode = network.dec.forward

    def count(frames: Tensor, style: Tensor) -> Tensor:
        decoded.append(frames.shape[2])
        return decode(frames, style)

    monkeypatch.setattr(network.dec, "forward", count)
    with torch.no_grad():
        whole = network.sound(latent, style)[..., first * hop :]
        rest = network.sound(latent, style, first)
        after = network.sound(latent[..., first - context :], style, context)
    assert_near(rest, whole)
    assert_near(after, whole)
    assert decoded == [120, *[60 + network.dec.reach().before] * 2]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recording_has_the_codes_of_the_original(version: str) -> None:
    reference, network = load(version)
    with torch.no_grad():
        codes = network.codes_of(reference.tensor("latent.in.ssl"))
    assert codes.tolist() == reference.tensor("latent.out.codes")[0, 0].tolist()


def test_a_style_is_the_mean_of_its_references() -> None:
    reference, network = load("sovits_v2proplus_tiny")
    both = make_style(reference, network, 2)
    one = make_style(reference, network, 1)
    assert (both.whole - one.whole).abs().max() > 1e-3
    assert both.content.shape == (1, network.shape.cross, 1)


def test_a_missing_tensor_is_an_error() -> None:
    reference, _ = load("sovits_v2_tiny")
    state = reference.state()
    del state["flow.flows.2.post.bias"]
    with pytest.raises(RuntimeError, match=r"flow\.flows\.2\.post\.bias"):
        SovitsDecoder.loaded(state, reference.facts("config")["model"])
