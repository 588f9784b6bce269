"""Pieces of a stream, as the original makes them live."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchaudio.transforms import Resample

from realtime.audio.crossfade import Joiner
from realtime.engines.rvc.features import coarse_pitch, repeat_frames, shift_pitch
from realtime.engines.rvc.networks.synthesizer import RvcSynthesizer
from realtime.engines.rvc.voice import FrameWindow, RvcVoice, Singles
from realtime.engines.rvc.voice_file import RvcVoiceFile
from realtime.vocoders.networks.pitched_generator import PitchedGenerator
from tests.support.converter_files import ConverterReference

KEY, FRAMES, SKIPPED, KEPT, NEW = 2.0, 50, 30, 20, 15  # of the recordings in the file
SPEAKER = 0
LIVE = ConverterReference("rvc_realtime_tiny")


def voice_file(name: str = "rvc_v2_40k_tiny") -> RvcVoiceFile:
    reference = ConverterReference(name)
    facts = reference.facts("config")
    return RvcVoiceFile(
        Path(f"{name}.pth"),
        reference.state(),
        facts["config"],
        facts["config"][-1],
        facts["version"],
        bool(facts["f0"]),
        "",
    )


class GivenNoise:
    """The noise of the file: of latent frames from the flow's first one, and of the part."""

    def __init__(self, latent: Tensor, source: Tensor) -> None:
        self._latent, self._source = latent[0].T.numpy(), source[0].numpy()

    def latent(self, first: int, count: int, width: int) -> Singles:
        assert (first, self._latent.shape) == (FRAMES - len(self._latent), (count, width))
        return self._latent

    def source(self, first: int, count: int) -> Singles:
        assert (first, count) == (SKIPPED * 400, len(self._source))
        return self._source


class DrawnNoise:
    """Noise by place alone."""

    def latent(self, first: int, count: int, width: int) -> Singles:
        return np.random.default_rng(3).standard_normal((400, width), np.float32)[first:][:count]

    def source(self, first: int, count: int) -> Singles:
        rows = np.random.default_rng(4).standard_normal((80_000, 1), np.float32)
        return rows[first : first + count]


def pitches_of(key: float) -> list[np.ndarray]:
    """Return the pitch of each window: the original keeps a row of the latest frames."""
    kept, found = np.zeros(1_024), []
    for answer in LIVE.tensor("in.f0").numpy():
        kept = np.concatenate([kept[NEW:], np.zeros(NEW)])
        kept[4 - len(answer) :] = shift_pitch(answer[3:-1].astype(np.float64), key)
        found.append(kept.copy())
    return found


def test_the_pieces_of_a_stream_are_those_of_the_original() -> None:
    """Compare from the third on: before, the original has a pitch for frames not heard yet."""
    voice = RvcVoice(voice_file(), "cpu")
    for number, pitch in enumerate(pitches_of(KEY)):
        expected = LIVE.tensor("out.cache_pitchf_f0")[number].numpy()
        np.testing.assert_allclose(pitch[-60:], expected, rtol=1e-5, atol=1e-4)
        if number < 2:
            continue
        content = repeat_frames(LIVE.tensor("in.feats")[number].numpy(), FRAMES)
        noise = GivenNoise(
            LIVE.tensor(f"in.noise.z{number}"), LIVE.tensor(f"in.noise.source{number}_f0")
        )
        window = FrameWindow(content, pitch[-FRAMES:], SKIPPED, SKIPPED + KEPT)
        made = voice.sound(window, noise, SPEAKER)
        np.testing.assert_allclose(made, LIVE.tensor("out.made_f0")[number].numpy(), atol=1e-4)


def test_moved_formants_are_those_of_the_original() -> None:
    """Its pitch is less exact than that of `RvcVoice`: it plays faster by whole samples a frame."""
    network = voice_file().network()
    generator, style = network.dec, network.style(SPEAKER)
    assert isinstance(generator, PitchedGenerator)
    factor = 2 ** (3 / 12)
    frames, played = math.ceil(KEPT * factor), math.floor(factor * network.hop)
    resample = Resample(played, network.hop)
    for number, pitch in enumerate(pitches_of(KEY - 3)):
        content = repeat_frames(LIVE.tensor("in.feats")[number].numpy(), FRAMES)
        part = torch.from_numpy(pitch[-KEPT:].astype(np.float32))[None] * (frames / KEPT)
        with torch.inference_mode():
            latent = latent_of(network, content, pitch[-FRAMES:], number, style)
            noise = LIVE.tensor(f"in.noise.source{number}_f3")
            source = generator.source(part, noise).signal
            sound = network.stretched_sound(latent[..., -KEPT:], style, source, frames)
            sound = resample(sound[0, 0, : KEPT * played])[: KEPT * network.hop]
        torch.testing.assert_close(sound, LIVE.tensor("out.made_f3")[number], atol=1e-4, rtol=0)


def latent_of(
    network: RvcSynthesizer, content: np.ndarray, pitch: np.ndarray, number: int, style: Tensor
) -> Tensor:
    coarse = coarse_pitch(pitch)
    coarse[: max(0, FRAMES - 28 - NEW * number)] = 0  # frames that were not heard yet
    return network.latent(
        torch.from_numpy(content)[None],
        torch.from_numpy(coarse)[None],
        LIVE.tensor(f"in.noise.z{number}"),
        style,
    )


@pytest.mark.parametrize("formant", ["f0", "f3"])
def test_pieces_are_joined_where_the_original_joins_them(formant: str) -> None:
    """The original looks by the same correlation; its fade differs by half a sample's step.

    It fades the first piece in, too.
    """
    joiner = Joiner(4 * 400, 400)
    for number, made in enumerate(LIVE.tensor(f"out.made_{formant}").numpy()):
        found = joiner.join(made)
        expected = LIVE.tensor(f"out.joined_{formant}")[number].numpy()
        assert found.shape == expected.shape
        start = 0 if number else 4 * 400
        assert np.abs(found - expected)[start:].max() < 1e-3


def test_a_part_sounds_the_same_in_a_later_window() -> None:
    voice = RvcVoice(voice_file(), "cpu")
    content, pitch = voice_like(80)
    after = voice.reach
    before = FrameWindow(content, pitch, 30, 50, voice.reach, after)
    whole = FrameWindow(content, pitch, 20, 60, 20, 20)
    one = voice.sound(before, DrawnNoise(), phase=phase_at(pitch, before.decoded.start))
    other = voice.sound(whole, DrawnNoise(), phase=phase_at(pitch, whole.decoded.start))
    np.testing.assert_allclose(one, other[10 * voice.hop : 30 * voice.hop], atol=1e-4)


def test_formants_move_and_the_pitch_stays() -> None:
    voice = RvcVoice(voice_file(), "cpu")
    content, pitch = voice_like(80)
    window = FrameWindow(content, pitch, 20, 60, 12, 8)
    usual = voice.sound(window, DrawnNoise())
    for formant in (0.8, 1.25):
        moved = voice.sound(window, DrawnNoise(), formant=formant)
        assert moved.shape == usual.shape
        assert np.abs(moved - usual).max() > 1e-3


def test_numbers_that_are_none_are_no_sound() -> None:
    voice = RvcVoice(voice_file(), "cpu")
    content, pitch = voice_like(40)
    content[20] = np.nan
    sound = voice.sound(FrameWindow(content, pitch, 10, 30), DrawnNoise())
    assert np.isfinite(sound).all() and np.abs(sound).max() <= 1


def test_a_voice_without_pitch_needs_none() -> None:
    voice = RvcVoice(voice_file("rvc_v2_32k_nof0_tiny"), "cpu")
    content, _ = voice_like(40)
    sound = voice.sound(FrameWindow(content, None, 10, 30), DrawnNoise())
    assert sound.size == 20 * 320 and np.abs(sound).max() > 1e-3


def voice_like(frames: int) -> tuple[np.ndarray, np.ndarray]:
    content = np.random.default_rng(5).standard_normal((frames, 768)).astype(np.float32)
    pitch = 150 + 30 * np.sin(np.arange(frames) / 9)
    pitch[::11] = 0
    return content, pitch


def phase_at(pitch: np.ndarray, frame: int) -> float:
    return float(np.sum(pitch[:frame] * 400 / 40_000) % 1)
